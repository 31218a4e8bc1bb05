import ArgumentParser
import Desk
import Foundation
import Mail
import Store

struct SeedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seed", abstract: "Fill the desk with synthetic history, for tests and benchmarks.",
        discussion:
            """
            Customers, three entries a ticket, every state, three in a hundred open. The same seed makes the same \
            tickets.
            """
    )

    @Option(help: "How many tickets.")
    var tickets: Int
    @Option(help: "What the history is derived from.")
    var seed: UInt64 = 1

    func validate() throws {
        guard (1...10_000_000).contains(tickets) else { throw ValidationError("--tickets takes 1 to 10000000") }
    }

    func run() async throws {
        try await withDesk { open in
            let bar = ProgressBar(title: "seeding")
            try await Seed(tickets: tickets, seed: seed).plant(in: open.desk) { [tickets] in bar.show($0, of: tickets) }
            print("seeded \(tickets) tickets")
        }
    }
}

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy the whole desk, database and attachments, to a file while it runs.",
        discussion: """
            The file belongs to neither engine: usher restore brings it back on SQLite or PostgreSQL. It is read back \
            and \
            checked before it gets its name. It holds everything customers wrote and the desk's secret; keep it safe.
            """)

    @Argument(help: "Where to write the copy.")
    var file: String

    func run() async throws {
        try await withDesk { open in
            let bar = ProgressBar(title: "backing up")
            let summary = try await Backup.write(
                open.desk, to: URL(fileURLWithPath: file), secret: try OpenDesk.secret(open.config)
            ) { bar.show($0, of: $1) }
            print("kept \(summary.rows) rows and \(summary.files) files in \(file), and checked them")
            if let first = summary.missing.first {
                print(
                    """
                    note: \(summary.missing.count) files were missing or damaged in the desk and are not in the \
                    backup, \(first) among them; see usher check
                    """
                )
            }
        }
    }
}

struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring a copy back into an empty desk, on either engine, or let a restored desk go live.",
        discussion: """
            The whole file is checked before anything is written. A restored desk sends, fetches, closes and reminds \
            nothing until \
            it goes live: the desk it was copied from may still be running. Go live with --live, here or later without \
            a file, or in \
            the administration. Mail that was waiting when the backup was made is then held back and listed under \
            Outgoing email, \
            unless --send-waiting is given.
            """)

    @Argument(help: "A file that usher backup wrote.")
    var file: String?
    @Flag(help: "Go live: send, fetch, close and remind from now on.")
    var live = false
    @Flag(help: "With --live: also send the mail that was waiting when the backup was made.")
    var sendWaiting = false
    @Flag(help: "Take a backup of an early Usher, which holds nothing that proves it whole.")
    var unproved = false

    func validate() throws {
        if file == nil, !live {
            throw ValidationError("name a file that usher backup wrote, or give --live to let a restored desk go live")
        }
        if sendWaiting, !live { throw ValidationError("--send-waiting goes with --live") }
        if unproved, file == nil { throw ValidationError("--unproved goes with a file") }
    }

    func run() async throws {
        try await withDesk { open in
            guard let file else {
                let heldBack = try await open.desk.write { [sendWaiting] in try $0.goLive(sendsWaiting: sendWaiting) }
                return sayLive(heldBack)
            }
            let wish = Backup.Wish(goesLive: live, sendsWaiting: sendWaiting, takesUnproved: unproved)
            let (summary, secret, heldBack) = try await Backup.restore(
                URL(fileURLWithPath: file), into: open.desk, wish)
            if open.config.secret == nil {
                // Links and Message-IDs that are out in the world go on to hold.
                try DeskSecret.replace(in: open.config.data, by: secret)
            } else if open.config.secret != secret {
                print(
                    """
                    note: USHER_SECRET is another than the backup was made with; links in mails already sent lead \
                    nowhere
                    """
                )
            }
            print("restored \(summary.rows) rows and \(summary.files) files")
            if !summary.missing.isEmpty {
                print(
                    """
                    note: \(summary.missing.count) files were missing or damaged when the backup was made, and are \
                    missing here
                    """
                )
            }
            if live { return sayLive(heldBack) }
            print(
                """
                this desk is a copy and keeps still: it sends, fetches, closes and reminds nothing until usher \
                restore --live, or Go live in the administration
                """
            )
        }
    }

    private func sayLive(_ heldBack: Int) {
        print("the desk is live")
        if heldBack > 0 {
            print(
                """
                \(heldBack) mails that were waiting when the backup was made are held back; see Outgoing email in \
                the administration
                """
            )
        }
    }
}
