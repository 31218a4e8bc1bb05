import Store

extension Schema {
    /// What an empty desk needs to work at once.
    static let freshDesk = Migration("009-fresh-desk") { _ in
        let week =
            """
            {"mon":[["09:00","17:00"]],"tue":[["09:00","17:00"]],"wed":[["09:00","17:00"]],"thu":[["09:00","17:00"]],"fri":[["09:00","17:00"]]}
            """
        return [
            "INSERT INTO schedule (name, time_zone, hours) VALUES ('Working week', 'UTC', \(week))",
            """
            INSERT INTO service_level (name, first_response_minutes, resolution_minutes, schedule_id)
            SELECT 'Standard', 240, 1440, id FROM schedule WHERE name = 'Working week'
            """,
            """
            INSERT INTO department (name, service_level_id) SELECT 'Support', id FROM service_level
            WHERE name = 'Standard'
            """,
            """
            INSERT INTO topic (name, description, department_id, priority, escalates, position)
            SELECT 'General question', 'Anything you would like to know', id, 1, 0, 1 FROM department
            WHERE name = 'Support'
            """,
            """
            INSERT INTO topic (name, description, department_id, priority, escalates, position)
            SELECT 'Report a problem', 'Something is broken or slow', id, 1, 0, 2 FROM department WHERE name = 'Support'
            """,
            """
            INSERT INTO topic (name, description, department_id, priority, escalates, position)
            SELECT 'Urgent problem', 'Work has stopped and cannot wait', id, 3, 1, 3 FROM department
            WHERE name = 'Support'
            """,
        ]
    }
}
