import Foundation

/// One step of the schema: named, append-only, forward only, in a transaction of its own.
package struct Migration: Sendable {
    package let name: String
    package let statements: @Sendable (Dialect) -> [SQL]

    package init(_ name: String, _ statements: @escaping @Sendable (Dialect) -> [SQL]) {
        self.name = name
        self.statements = statements
    }
}

/// The ladder from an empty database to the schema this program reads.
package struct Migrator: Sendable {
    package let steps: [Migration]
    package init(_ steps: [Migration]) { self.steps = steps }

    /// Applies what is missing and returns its names.
    ///
    /// Throws `StoreError.newerDatabase` when the database holds a step this program does not know.
    package func migrate(_ database: any Database, at now: Date) async throws -> [String] {
        try await Lane.$current.withValue(.long) {
            if try await missing(in: database).isEmpty { return [] }
            _ = try await database.write { db in
                if let lock = db.dialect.lockFirstMigration { try db.execute(lock) }
                try db.execute(
                    """
                    CREATE TABLE IF NOT EXISTS schema_migration (name TEXT PRIMARY KEY,
                    applied_at \(db.dialect.integer) NOT NULL)
                    """
                )
            }
            var applied: [String] = []
            for step in steps {
                let ran = try await database.write { db in
                    if let lock = db.dialect.lockMigrations { try db.execute(lock) }
                    let known = try db.query("SELECT name FROM schema_migration") { try $0.read(String.self) }
                    try refuseNewer(known)
                    guard !known.contains(step.name) else { return false }
                    for statement in step.statements(db.dialect) { try db.execute(statement) }
                    try db.execute("INSERT INTO schema_migration (name, applied_at) VALUES (\(step.name), \(now))")
                    return true
                }
                if ran { applied.append(step.name) }
            }
            return applied
        }
    }

    /// What `migrate` would apply: all of it to an empty database.
    package func missing(in database: any Database) async throws -> [String] {
        let known = try await database.read { db in
            try db.hasTable("schema_migration")
                ? try db.query("SELECT name FROM schema_migration") { try $0.read(String.self) } : []
        }
        try refuseNewer(known)
        return steps.map(\.name).filter { !known.contains($0) }
    }

    private func refuseNewer(_ known: [String]) throws {
        let ours = Set(steps.map(\.name))
        if let unknown = known.first(where: { !ours.contains($0) }) { throw StoreError.newerDatabase(unknown) }
    }
}
