import Store

extension Schema {
    /// Engines fold letters outside ASCII differently, and one of them according to its locale. Whether two names are
    /// the same is decided in one place, by `String.folded`; the index keeps two equal ones apart.
    static let names = Migration("037-names") { _ in
        let tables: [(table: SQL, retires: Bool)] = [
            ("organization", false), ("team", true), ("schedule", false), ("service_level", false),
            ("department", true), ("topic", true), ("canned_reply", false),
        ]
        return tables.flatMap { table, retires -> [SQL] in
            let active: SQL = retires ? "WHERE is_active = 1" : ""
            return [
                "DROP INDEX \(table)_name",
                "CREATE UNIQUE INDEX \(table)_name ON \(table) (name) \(active)",
            ]
        }
    }
}
