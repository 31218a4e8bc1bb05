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
    /// Looks at the database, the clock, the files and the outbox.
    package func checkUp() async throws -> [Finding] {
        let missing = try await Schema.migrator.missing(in: database)
        guard missing.isEmpty else { return [Finding("the database lacks \(missing.count) steps", advice: "run usher migrate, or start usher serve")] }
        var findings = [Finding("the database answers and is up to date")]
        let now = clock.now()
        let newest: Date? = try await read { try $0.value("SELECT max(at) FROM ticket_event", as: Date?.self) ?? nil }
        if let newest, newest > now + 300 {
            findings.append(Finding("the clock is behind: an event is dated \(newest.rfc3339), and it is \(now.rfc3339)", advice: "set this machine's clock, best by NTP"))
        } else {
            findings.append(Finding("the clock is not behind the newest event"))
        }
        findings.append(try await checkFiles())
        let (failed, oldest) = try await read { db in
            (try db.value("SELECT count(*) FROM outbox WHERE state IN ('failed', 'unknown')", as: Int.self) ?? 0, try db.backlog(at: now).oldestMail)
        }
        findings.append(failed == 0 ? Finding("no mail was given up") : Finding("\(failed) mails were given up", advice: "each is shown on its ticket with the reason"))
        if oldest > 3600 { findings.append(Finding("the oldest mail has waited for \(oldest / 3600) hours", advice: "see GET /api/v1/outbox for the reason; is USHER_SMTP set and reachable?")) }
        return findings
    }

    /// Looks at each mailbox, and at what the DNS says of the domains mail comes from.
    package func checkMail() async throws -> [Finding] {
        var findings: [Finding] = []
        let mailboxes = try await read { try $0.mailboxes() }
        for mailbox in mailboxes {
            let (fetch, smtp) = await tryMailbox(mailbox)
            if mailbox.fetch != .no { findings.append(Finding("\(mailbox.address.address) can \(fetch == nil ? "" : "not ")be read", advice: fetch)) }
            if let smtp { findings.append(Finding("\(mailbox.address.address) cannot send", advice: smtp)) }
        }
        let home = office.mailbox
        for domain in Set((mailboxes.map(\.address) + [home]).map(\.domain)).sorted() where Self.isPublic(domain) {
            let signers = try await read { [signer = office.signer] in try $0.dkimSigners(domain, signer) }
            let records = MailRecords.look(up: domain, selectors: signers.map(\.selector))
            findings += records.findings(domain: domain, keys: signers.map { ($0.selector, $0.key) }).map { Finding($0.what, advice: $0.advice) }
        }
        return findings
    }

    /// A name that the DNS could know; not this machine, no bare address, none of RFC 2606.
    private static func isPublic(_ domain: String) -> Bool {
        domain.contains(".") && domain.contains { $0.isLetter } && ![".example", ".test", ".invalid", ".localhost", ".local"].contains { domain.hasSuffix($0) }
    }

    private func checkFiles() async throws -> Finding {
        let kept: [(String, Int)] = try await read { try $0.query("SELECT hash, size FROM blob") { (try $0.read(), try $0.read()) } }
        var missing: [String] = []
        for (hash, size) in kept {
            if files.size(of: hash) != size { missing.append(hash) }
        }
        guard missing.isEmpty else {
            return Finding("\(missing.count) of \(kept.count) files are missing or cut, \(missing[0]) among them", advice: "copy them from a backup into \(files.folder.path); the tickets stay readable without them")
        }
        return Finding("all \(kept.count) files are there")
    }
}
