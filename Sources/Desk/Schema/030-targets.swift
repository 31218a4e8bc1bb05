import Store

extension Schema {
    /// What single priorities are promised. The level of a fresh desk gets some, unless somebody changed it.
    static let targets = Migration("030-targets") { _ in
        let targets = """
            {"high":{"first_response":"PT2H","resolution":"PT16H"},"low":{"first_response":"PT8H","resolution":"PT40H"},"urgent":{"first_response":"PT1H","resolution":"PT8H"}}
            """
        return [
            "ALTER TABLE service_level ADD COLUMN targets TEXT NOT NULL DEFAULT '{}'",
            """
            UPDATE service_level SET targets = \(targets) WHERE name = 'Standard' AND first_response_minutes = 240
            AND resolution_minutes = 1440
            """,
        ]
    }
}
