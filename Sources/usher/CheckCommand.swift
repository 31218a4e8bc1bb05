import ArgumentParser
import Desk
import Foundation
import Mail
import Primitives
import Store

struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check settings, database, email, clock and files, and say how to fix each problem.",
        discussion:
            """
            Exits with 0 when all is well and with 1 when something needs attention. It tries a write; everything \
            else is only read.
            """
    )

    @Flag(help: "Read every file in full; without it all sizes and a sample of the contents.")
    var full = false
    @Flag(help: "Print JSON: {\"ok\": …, \"findings\": [{\"what\", \"advice\"}]}.")
    var json = false
    @Flag(help: "Resume timers that were stopped because the clock jumped; use this when the time is right.")
    var trustClock = false

    func run() async throws {
        var findings: [Finding] = []
        do {
            let config = try Config()
            findings.append(Finding("The settings can be read"))
            findings += await look(config)
        } catch let mistakes as Config.Mistakes {
            findings += mistakes.lines.map {
                Finding($0, advice: "Correct the setting. `usher serve --help` lists them all.")
            }
        }
        show(findings)
        if findings.contains(where: { $0.advice != nil }) { throw ExitCode(1) }
    }

    private func look(_ config: Config) async -> [Finding] {
        var findings: [Finding] = []
        let file = config.data.appending(path: "usher.sqlite").path
        if config.postgres == nil, !FileManager.default.fileExists(atPath: file) {
            findings.append(
                Finding(
                    "There is no database yet in \(config.data.path)",
                    advice: "Start `usher serve`, or set USHER_DATA to the folder of your desk."))
        } else {
            do {
                let open = try await OpenDesk.open(config, migrates: false)
                if trustClock { try await open.desk.trustClock() }
                findings += await open.desk.checkUp(isFull: full)
                if try await Schema.migrator.missing(in: open.desk.database).isEmpty {
                    findings += try await open.desk.checkMail()
                }
                await open.desk.database.close()
            } catch { findings.append(Finding(sentence(error), advice: advice(error, config))) }
        }
        if let smtp = config.smtp {
            let problem = await probe(smtp)
            findings.append(
                problem.map {
                    Finding(
                        "The mail server does not answer: \($0)",
                        advice: "Check USHER_SMTP, and that this machine can reach the server.")
                } ?? Finding("The mail server answers"))
        } else {
            findings.append(
                Finding("No mail server is set", advice: "Set USHER_SMTP; until then email waits in the outbox."))
        }
        return findings
    }

    /// On a thread of its own: it waits for the server.
    private func probe(_ server: MailServer) async -> String? {
        await withCheckedContinuation { continuation in
            let thread = Thread { continuation.resume(returning: SMTPSender(server, greeting: "localhost").probe()) }
            thread.start()
        }
    }

    private func advice(_ error: any Error, _ config: Config) -> String {
        switch error {
        case is Misconfigured: "Nothing was changed."
        case StoreError.newerDatabase: "Install the Usher version that last ran on this database, or a newer one."
        case StoreError.full: "Free some space."
        case StoreError.misconfigured: "Correct USHER_DATABASE: host, user, password and name of the database."
        case StoreError.unavailable:
            config.postgres == nil
                ? "Check the folder \(config.data.path): its owner, its rights and the disk."
                : "Is PostgreSQL running, and can this machine reach it? Check host and port in USHER_DATABASE."
        default: "See the log of `usher serve`."
        }
    }

    private func show(_ findings: [Finding]) {
        if json {
            let list = findings.map {
                ["what": $0.what, "advice": $0.advice.map { $0 as Any } ?? NSNull()] as [String: Any]
            }
            let whole: [String: Any] = ["ok": !findings.contains { $0.advice != nil }, "findings": list]
            if let data = try? JSONSerialization.data(
                withJSONObject: whole, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
            {
                say(String(decoding: data, as: UTF8.self))
            }
            return
        }
        for finding in findings {
            guard let advice = finding.advice else {
                print("✓ \(finding.what)")
                continue
            }
            print("✗ \(finding.what)\n    → \(advice)")
        }
    }
}
