import Desk
import Foundation
import Logging
import Mail
import Store

/// The desk as one command needs it.
struct OpenDesk {
    let desk: Desk
    let config: Config

    /// Opens the database, brings it up to date, and reads what administrators set.
    ///
    /// - Parameter url: the desk's address where the settings name none.
    static func open(_ config: Config, url: String? = nil, migrates: Bool = true) async throws -> OpenDesk {
        let log = Logger(label: "usher")
        let database = try openDatabase(config, log: log)
        let files = try FileStore(folder: config.data.appending(path: "blobs"))
        let address = config.url ?? url ?? "http://\(config.host):\(config.port)"
        let signer = Signer(secret: Array(try secret(config).utf8))
        let fallback = mailbox(at: address)
        var desk = Desk(database: database, clock: SystemClock(), files: files, office: Office(url: address, mailbox: fallback, signer: signer), log: log)
        if migrates { try await desk.open() } else if try await Schema.migrator.missing(in: database).isEmpty { try await desk.reloadSettings() }
        if let own = MailAddress(desk.settings.current.mailAddress) {
            desk = Desk(database: database, clock: SystemClock(), files: files, office: Office(url: address, mailbox: own, signer: signer), log: log)
            if migrates { try await desk.reloadSettings() }
        }
        return OpenDesk(desk: desk, config: config)
    }

    private static func openDatabase(_ config: Config, log: Logger) throws -> any Database {
        do { try FileManager.default.createDirectory(at: config.data, withIntermediateDirectories: true) } catch {
            throw StoreError.unavailable("the folder \(config.data.path) cannot be made: \(error.localizedDescription)")
        }
        if let postgres = config.postgres { return try PostgresDatabase(address: postgres, log: log) }
        return try SQLiteDatabase(path: config.data.appending(path: "usher.sqlite").path)
    }

    /// `support@` at the host people reach the desk by.
    private static func mailbox(at url: String) -> MailAddress {
        let host = URLComponents(string: url)?.host ?? "localhost"
        let isNumeric = host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." }
        guard let address = MailAddress("support@\(isNumeric ? "localhost" : host)") ?? MailAddress("support@localhost") else { fatalError("support@localhost is an address") }
        return address
    }

    /// From the settings, or made once and kept beside the data, for its owner's eyes only.
    static func secret(_ config: Config) throws -> String {
        if let secret = config.secret { return secret }
        let file = config.data.appending(path: "secret").path
        let handle = Foundation.open(file, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        if handle >= 0 {
            let made = Secret.random() + Secret.random()
            try FileHandle(fileDescriptor: handle, closeOnDealloc: true).write(contentsOf: Data(made.utf8))
        }
        // Another process may just be writing it.
        for _ in 0..<50 {
            let kept = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
            if kept.utf8.count >= 16 { return kept }
            usleep(20_000)
        }
        throw StoreError.unavailable("\(file) holds no secret")
    }
}
