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
            The data has customers, three entries per ticket and every status; three in a hundred tickets are open. The same seed makes the same \
            tickets.
            """
    )

    @Option(help: "How many tickets.")
    var tickets: Int
    @Option(help: "The seed of the random generator.")
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
            The whole file is checked before anything is written. A restored desk sends and fetches no email and closes no \
            tickets until \
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
    @Flag(help: "Accept a backup from an early version of Usher, which cannot be verified.")
    var unproved = false

    func validate() throws {
        if file == nil, !live {
            throw ValidationError("name a backup file, or use --live to let a restored desk go live")
        }
        if sendWaiting, !live { throw ValidationError("--send-waiting can only be used with --live") }
        if unproved, file == nil { throw ValidationError("--unproved can only be used with a file") }
    }

    func run() async throws {
        try await withDesk { open in
            guard let file else {
                let heldBack = try await open.desk.write { [sendWaiting] in try $0.goLive(sendsWaiting: sendWaiting) }
                return sayLive(heldBack)
            }
            let wish = Backup.Wish(goesLive: live, sendsWaiting: sendWaiting, takesUnproved: unproved)
            try await open.refuseWhileServed()
            let (summary, heldBack) = try await Backup.restore(
                URL(fileURLWithPath: file), into: open.desk, wish
            ) { [config = open.config] secret in
                // Links and Message-IDs that are out in the world go on to hold.
                guard let given = config.secret else { return try DeskSecret.replace(in: config.data, by: secret) }
                guard given == secret else {
                    throw Misconfigured(
                        """
                        USHER_SECRET is not the secret of this backup, so nothing was restored. Unset USHER_SECRET: \
                        the secret in the backup is then kept in \(config.data.path)/secret. To sign with another one \
                        afterwards, run `usher migrate --new-secret`
                        """)
                }
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
                this desk is a restored copy: it sends and fetches no email and closes no tickets until you run \
                usher restore --live, or press Go live in the administration
                """
            )
        }
    }

    private func sayLive(_ heldBack: Int) {
        print("the desk is live")
        if heldBack > 0 {
            print(
                """
                \(heldBack) emails that were waiting when the backup was made are held back; see Outgoing email in \
                the administration
                """
            )
        }
    }
}
