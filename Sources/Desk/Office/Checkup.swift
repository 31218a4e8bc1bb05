import Crypto
import Foundation
import Mail
import Store

/// One thing that was looked at, and what to do where it is not right.
package struct Finding: Sendable, Equatable {
    package let what: String
    /// Nil where all is well.
    package let advice: String?

    package init(_ what: String, advice: String? = nil) {
        self.what = what
        self.advice = advice
    }
}

extension Desk {
    /// Looks at the database, the clock, the files and what waits.
    ///
    /// - Parameter isFull: whether every file is read; without it their sizes, and some of them.
    package func checkUp(isFull: Bool = false) async -> [Finding] {
        var findings: [Finding] = []
        /// One look that cannot be made is a finding, and the others are made all the same.
        func look(_ what: String, _ body: () async throws -> [Finding]) async {
            do { findings += try await body() } catch {
                let detail = (error as? StoreError)?.detail ?? "\(error)"
                findings.append(
                    Finding(
                        "\(what) could not be checked: \(detail)",
                        advice: error as? StoreError == .some(.full(detail))
                            ? "Free some space." : "See the other findings, and the database's own log."))
            }
        }
        do {
            let missing = try await Schema.migrator.missing(in: database)
            guard missing.isEmpty else {
                return [
                    Finding(
                        "The database is not up to date: \(missing.count) steps are missing",
                        advice: "Run `usher migrate`, or start `usher serve`.")
                ]
            }
        } catch StoreError.newerDatabase(let step) {
            return [
                Finding(
                    "The database was written by a newer version of Usher (step \(step))",
                    advice: "Install the version that last ran on it, or a newer one.")
            ]
        } catch {
            return [
                Finding(
                    "The database cannot be read: \((error as? StoreError)?.detail ?? "\(error)")",
                    advice:
                        """
                        Is it running, and are its files whole? If they are damaged, restore the last backup into \
                        an empty desk.
                        """
                )
            ]
        }
        findings.append(Finding("The database answers and is up to date"))
        await look("Writing") { [try await checkWrite()] }
        await look("Free space") { [try checkSpace()] }
        await look("The database") { try await database.remarks().map { Finding($0.what, advice: $0.advice) } }
        await look("The clock") { try await checkClock() }
        await look("Files") { try await checkFiles(isFull: isFull) }
        await look("The queues") { try await checkWaiting() }
        return findings
    }

    private func checkWrite() async throws -> Finding {
        do {
            try await tryWrite(bytes: Self.muchAtOnce)
            // Smaller again, for the next trial and the backup.
            try await tryWrite()
        } catch StoreError.full {
            return Finding(
                "The database can be read but not written: the disk it is on is full",
                advice: "Free some space there; nothing was lost, and work goes on by itself.")
        } catch let error as StoreError {
            return Finding(
                "The database can be read but not written: \(error.detail)",
                advice: "Check the disk, the rights of this user, and whether the database is read-only (a standby).")
        }
        return Finding("The database accepts writes")
    }

    /// More than there is room for in a file of the database as it is.
    private static var muchAtOnce: Int { 512 << 10 }

    /// Writes one row in the database and looks at the room beside the files. Throws why it cannot be done, or why a
    /// request was refused a moment ago.
    ///
    /// - Parameter bytes: how large the row is made: a small one finds its place in what the database has already.
    package func tryWrite(bytes: Int = 0) async throws {
        // Letters that cannot be packed.
        let filling = bytes == 0 ? "" : " " + (0..<(bytes / 52)).map { _ in Secret.random() + Secret.random() }.joined()
        let value = String(clock.now().milliseconds) + filling
        try await Lane.$current.withValue(.health) {
            try await database.write { db in
                _ = try db.execute(
                    """
                    INSERT INTO setting (name, value)
                    VALUES ('_write_tried', \(value)) ON CONFLICT (name) DO UPDATE
                    SET value = excluded.value
                    """
                )
            }
        }
        if let space = DiskSpace.free(at: files.folder), space.free < DiskSpace.least {
            throw StoreError.full("\(space.free) bytes are left for files")
        }
        try refusedWrites.check()
    }

    private func checkSpace() throws -> Finding {
        guard let space = DiskSpace.free(at: files.folder) else {
            throw StoreError.unavailable("the disk of \(files.folder.path) does not say")
        }
        let words = space.free.formatted(.byteCount(style: .binary))
        guard space.free >= DiskSpace.low else {
            return Finding(
                "Only \(words) are free for files and data in \(files.folder.deletingLastPathComponent().path)",
                advice: "Free some space or move the folder to a larger disk. At 0 no request can be taken in.")
        }
        return Finding("\(words) are free")
    }

    private func checkClock() async throws -> [Finding] {
        let now = clock.now()
        if let hold = try await clockHold() {
            let before = hold.expected(at: clock.reading().steady).rfc3339
            return [
                Finding(
                    """
                    Timers are stopped: the clock jumped ahead from \(hold.before.wall.rfc3339) to \
                    \(hold.after.rfc3339)
                    """,
                    advice:
                        """
                        If it should be about \(before) now, set this machine's clock back; timers then go on by \
                        themselves. If \(now.rfc3339) is right, run `usher check --trust-clock`.
                        """
                )
            ]
        }
        let (newest, other) = try await read { db in
            (try db.value("SELECT max(at) FROM ticket_event", as: Date?.self) ?? nil, try db.serverTime())
        }
        if let newest, newest > now + 300 {
            return [
                Finding(
                    """
                    The clock is behind: the newest event is dated \(newest.rfc3339), and this machine says \
                    \(now.rfc3339)
                    """,
                    advice: "Set this machine's clock, best by NTP.")
            ]
        }
        if let other, abs(other.timeIntervalSince(clock.now())) > 2 {
            return [
                Finding(
                    """
                    This machine's clock and the database's are \(Int(abs(other.timeIntervalSince(clock.now())))) \
                    seconds apart
                    """,
                    advice: "Set both clocks by NTP; service levels depend on them.")
            ]
        }
        return [
            Finding("The clock is not behind the newest event\(other == nil ? "" : " and agrees with the database's")")
        ]
    }

    private func checkWaiting() async throws -> [Finding] {
        let now = clock.now()
        let (failed, stuck, stopped, quarantined, backlog) = try await read { db in
            (
                try db.value("SELECT count(*) FROM outbox WHERE state IN ('failed', 'unknown')", as: Int.self) ?? 0,
                try db.value(
                    "SELECT count(*) FROM outbox WHERE state = 'sending' AND due_at < \(now - 3600)", as: Int.self)
                    ?? 0,
                try db.value("SELECT count(*) FROM job WHERE error IS NOT NULL", as: Int.self) ?? 0,
                try db.value("SELECT count(*) FROM quarantine", as: Int.self) ?? 0, try db.backlog(at: now)
            )
        }
        var findings = [
            failed == 0
                ? Finding("No email has failed")
                : Finding(
                    "\(failed) emails failed or may not have arrived",
                    advice: "Each is shown on its ticket with the reason.")
        ]
        if stuck > 0 {
            findings.append(
                Finding(
                    "\(stuck) emails have been marked as sending for more than an hour",
                    advice: "Is `usher serve` running? They are sent again when it is."))
        }
        if backlog.oldestMail > 3600 {
            findings.append(
                Finding(
                    "The oldest email has waited for \(backlog.oldestMail / 3600) hours",
                    advice: "Administration, Outgoing email shows the reason. Is USHER_SMTP set and reachable?"))
        }
        if stopped > 0 {
            findings.append(
                Finding(
                    "\(stopped) scheduled actions failed and are tried again",
                    advice: "The log of `usher serve` names the reason of each (“a job failed”)."))
        }
        if backlog.jobsOverdue > 0 {
            findings.append(
                Finding("\(backlog.jobsOverdue) scheduled actions are overdue", advice: "Is `usher serve` running?"))
        }
        if quarantined > 0 {
            findings.append(
                Finding(
                    "\(quarantined) messages could not be taken in and are in quarantine",
                    advice: "See Administration, Quarantine. You can retry or dismiss each one there."))
        }
        return findings
    }

    /// Looks at each mailbox, and at what the DNS says of the domains mail comes from.
    package func checkMail() async throws -> [Finding] {
        var findings: [Finding] = []
        let mailboxes = try await read { try $0.mailboxes() }
        for mailbox in mailboxes {
            let (fetch, smtp) = await tryMailbox(mailbox)
            if mailbox.fetch != .no {
                findings.append(
                    Finding("\(mailbox.address.address) can \(fetch == nil ? "" : "not ")be read", advice: fetch))
            }
            if let smtp { findings.append(Finding("\(mailbox.address.address) cannot send", advice: smtp)) }
        }
        let home = office.mailbox
        for domain in Set((mailboxes.map(\.address) + [home]).map(\.domain)).sorted() where Self.isPublic(domain) {
            let signers = try await read { [signer = office.signer] in try $0.dkimSigners(domain, signer) }
            let records = MailRecords.look(up: domain, selectors: signers.map(\.selector))
            findings += records.findings(domain: domain, keys: signers.map { ($0.selector, $0.key) }).map {
                Finding($0.what, advice: $0.advice)
            }
        }
        return findings
    }

    /// A name that the DNS could know; not this machine, no bare address, none of RFC 2606.
    private static func isPublic(_ domain: String) -> Bool {
        domain.contains(".") && domain.contains { $0.isLetter }
            && ![".example", ".test", ".invalid", ".localhost", ".local"].contains { domain.hasSuffix($0) }
    }

    private static let sample = 200
    private static let sampledBytes = 256 << 20
    /// A file may be kept a moment before its ticket is.
    private static let orphanAge: TimeInterval = 172_800

    /// Every file the database names has its size, and its content where it is read; what no row names is told as well.
    private func checkFiles(isFull: Bool) async throws -> [Finding] {
        let kept: [String: Int] = Dictionary(
            try await read {
                try $0.query("SELECT hash, size FROM blob") { (try $0.read(String.self), try $0.read(Int.self)) }
            }
        ) { first, _ in first }
        let now = clock.now()
        return await withCheckedContinuation { continuation in
            // Reading takes long; a thread of its own does it.
            let thread = Thread { [files] in
                continuation.resume(returning: Self.checkFiles(files, kept, isFull: isFull, at: now))
            }
            thread.start()
        }
    }

    private static func checkFiles(_ files: FileStore, _ kept: [String: Int], isFull: Bool, at now: Date) -> [Finding] {
        var missing: [String] = []
        var damaged: [String] = []
        for (hash, size) in kept where files.size(of: hash) != size { missing.append(hash) }
        let lost = Set(missing)
        let whole = kept.keys.filter { !lost.contains($0) }
        var read = 0
        var bytes = 0
        for hash in isFull ? whole : Array(whole.shuffled().prefix(sample)) {
            if !isFull, bytes > sampledBytes { break }
            read += 1
            bytes += kept[hash] ?? 0
            // What cannot be read is as bad as what reads differently.
            guard let content = try? files.bytes(of: hash), FileStore.hash(of: content) == hash else {
                damaged.append(hash)
                continue
            }
        }
        var findings: [Finding] = []
        let advice = "Copy them from a backup into \(files.folder.path). The tickets stay readable without them."
        if let first = missing.min() {
            findings.append(
                Finding(
                    "\(missing.count) of \(kept.count) files are missing or incomplete, \(first) among them",
                    advice: advice))
        }
        if let first = damaged.min() {
            findings.append(
                Finding("\(damaged.count) files have changed or are damaged, \(first) among them", advice: advice))
        }
        if findings.isEmpty {
            findings.append(
                Finding(
                    read == kept.count
                        ? "All \(kept.count) files are there and whole"
                        : """
                        All \(kept.count) files are there; \(read) of them were read and are whole (`--full` reads \
                        all)
                        """
                ))
        }
        let orphans = files.unknown(among: Set(kept.keys), before: now - orphanAge)
        if orphans.count > 0 {
            findings.append(
                Finding(
                    """
                    \(orphans.count) files (\(orphans.bytes.formatted(.byteCount(style: .binary)))) are no \
                    longer used; they do no harm
                    """
                ))
        }
        return findings
    }
}

/// Room on a disk.
package enum DiskSpace {
    /// Below this nothing is taken in.
    package static let least: Int64 = 1 << 20
    /// Below this an operator is told.
    package static let low: Int64 = 512 << 20

    /// What an ordinary user may still write, in bytes; nil where the folder's disk does not say.
    package static func free(at folder: URL) -> (free: Int64, all: Int64)? {
        var figures = statvfs()
        guard statvfs(folder.path, &figures) == 0 else { return nil }
        return (Int64(figures.f_bavail) * Int64(figures.f_frsize), Int64(figures.f_blocks) * Int64(figures.f_frsize))
    }
}

extension FileStore {
    /// Files of ours that no row names, older than a moment: what a kill or a refused request left.
    fileprivate func unknown(among known: Set<String>, before moment: Date) -> (count: Int, bytes: Int) {
        var count = 0
        var bytes = 0
        let keys: [URLResourceKey] = [.isRegularFileKey, .fileSizeKey, .contentModificationDateKey]
        guard let all = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: keys) else {
            return (0, 0)
        }
        for case let url as URL in all {
            guard let values = try? url.resourceValues(forKeys: Set(keys)), values.isRegularFile == true,
                (values.contentModificationDate ?? moment) < moment
            else { continue }
            let name = url.pathExtension == "gz" ? url.deletingPathExtension() : url
            let hash = name.deletingLastPathComponent().lastPathComponent + name.lastPathComponent
            guard !known.contains(hash) else { continue }
            count += 1
            bytes += values.fileSize ?? 0
        }
        return (count, bytes)
    }

    fileprivate static func hash(of bytes: Data) -> String { Hex.encode(SHA256.hash(data: bytes)) }
}
