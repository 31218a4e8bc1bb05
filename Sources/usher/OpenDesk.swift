import Desk
import Foundation
import Logging
import Mail
import Store

/// The desk as one command needs it.
struct OpenDesk {
    let desk: Desk
    let config: Config
    /// Steps of the schema that were missing until now.
    let applied: [String]

    /// Opens the database, brings it up to date, and reads what administrators set.
    ///
    /// - Parameters:
    ///   - url: the desk's address where the settings name none.
    ///   - lane: how long its statements may take.
    ///   - takesNewSecret: whether a secret other than the one the desk signed with is taken over.
    static func open(
        _ config: Config, url: String? = nil, migrates: Bool = true, lane: Lane = .page, takesNewSecret: Bool = false
    ) async throws -> OpenDesk {
        let log = Logger(label: "usher")
        try DataFolder.prepare(config.data, log: log)
        let database = try openDatabase(config, lane, log: log)
        do {
            try await database.answers()
            let applied = migrates ? try await Schema.migrator.migrate(database, at: SystemClock().now()) : []
            let isUpToDate = try await Schema.migrator.missing(in: database).isEmpty
            let files = try FileStore(folder: config.data.appending(path: "blobs"))
            let address = config.url ?? url ?? "http://\(config.host):\(config.port)"
            let signer = try await signer(config, database, isUpToDate: isUpToDate, takesNew: takesNewSecret)
            guard let mailbox = Office.mailbox(at: address) else {
                throw Misconfigured("USHER_URL: “\(address)” names no host")
            }
            let office = Office(
                url: address, mailbox: mailbox, signer: signer,
                fixed: Office.Fixed(url: config.url != nil, smtp: config.smtp.map(\.shown)))
            let open = Desk(database: database, clock: SystemClock(), files: files, office: office, log: log)
            if isUpToDate { try await open.reloadSettings() }
            return OpenDesk(desk: open, config: config, applied: applied)
        } catch {
            await database.close()
            throw error
        }
    }

    private static func openDatabase(_ config: Config, _ lane: Lane, log: Logger) throws -> any Database {
        if let postgres = config.postgres {
            return try PostgresDatabase(
                address: postgres, direct: config.direct,
                connections: config.connections ?? PostgresDatabase.standardConnections, lane: lane, log: log)
        }
        return try SQLiteDatabase(path: config.data.appending(path: "usher.sqlite").path, lane: lane)
    }

    /// What the desk signs with. A secret is made for a new desk only: one that has signed something keeps its own, or
    /// every link and every sealed password would be dead without a word.
    private static func signer(_ config: Config, _ database: any Database, isUpToDate: Bool, takesNew: Bool)
        async throws -> Signer
    {
        let (mark, expected, hasSigned): (String?, String?, Bool) =
            isUpToDate
            ? try await database.read { db in
                (
                    try db.privateSetting("secret_mark"), try db.privateSetting("secret_expected"), try db.hasSigned()
                )
            } : (nil, nil, true)
        // A restore that was refused or cut off leaves an empty desk, whose secret has signed nothing yet.
        let awaitsRestore = expected != nil && !hasSigned
        var secret = try config.secret ?? DeskSecret.kept(in: config.data)
        if secret == nil {
            let path = config.data.appending(path: "secret").path
            guard takesNew || !isUpToDate || mark == nil && !hasSigned || awaitsRestore else {
                throw Misconfigured(
                    """
                    this desk's secret is missing: \(path) is gone or empty, and USHER_SECRET is not set. Put it back, \
                    from a backup or another server. \
                    If it is lost for good, `usher migrate --new-secret` makes a new one: links in emails already sent \
                    and saved mailbox passwords stop working
                    """)
            }
            // A database that is not up to date is only looked at; nothing is signed.
            secret = isUpToDate ? try DeskSecret.make(in: config.data) : Secret.random()
        }
        let signer = Signer(secret: Array((secret ?? "").utf8))
        guard isUpToDate, mark != signer.fingerprint else { return signer }
        guard mark == nil || takesNew || awaitsRestore else {
            throw Misconfigured(
                """
                the secret (\(config.secret == nil ? config.data.appending(path: "secret").path : "USHER_SECRET")) is \
                not the one this desk signs with. Put the right one back; every server of a desk \
                needs the same. To change it on purpose, run `usher migrate --new-secret`: links in emails already \
                sent and saved mailbox passwords stop working
                """)
        }
        try await database.write { try $0.keepSecretMark(signer.fingerprint) }
        return signer
    }

    /// Refuses what must not happen under a desk that runs: it would go on with what it remembers.
    func refuseWhileServed() async throws {
        if config.postgres == nil { return try DataFolder.claim(config.data) }
        guard try await desk.database.isInUse() else { return }
        throw Misconfigured(
            """
            usher serve is running on this database, or has ended a moment ago. Stop every server of this desk, wait \
            20 seconds, and try again
            """)
    }

    /// The secret of an open desk, as a backup carries it.
    static func secret(_ config: Config) throws -> String {
        guard let secret = try config.secret ?? DeskSecret.kept(in: config.data) else {
            throw Misconfigured("\(config.data.path)/secret is missing")
        }
        return secret
    }
}
