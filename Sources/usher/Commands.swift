import ArgumentParser
import Desk
import Domain
import Foundation
import Mail
import Primitives
import Store

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Bring the database up to date.")

    @Flag(
        help:
            """
            Use the secret that is set now, or create a new one if it was lost. Links in emails already sent and \
            saved mailbox passwords stop working.
            """
    )
    var newSecret = false

    func run() async throws {
        let config = try readConfig()
        do {
            let open = try await OpenDesk.open(config, lane: .long, takesNewSecret: newSecret)
            print(
                open.applied.isEmpty ? "the database is up to date" : "applied \(open.applied.joined(separator: ", "))")
            await open.desk.database.close()
        } catch let code as ExitCode { throw code } catch { throw fail(sentence(error), 1) }
    }
}

struct Intake: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read one message from standard input, for a mail server's pipe.",
        discussion: """
            Prints the number of the ticket the message opened or was added to, “duplicate: NUMBER” for one that came \
            before, or
            “rejected: REASON”. Exit 0 once it is kept; 75 when it cannot be kept now, so that the mail server tries \
            again; 65 when
            there is no message.
            """)

    @Option(help: "The address of ours it was delivered to.")
    var mailbox: String?
    @Option(help: "The envelope's sender; <> or MAILER-DAEMON for the empty path.")
    var sender: String?

    func run() async throws {
        let config: Config
        // A mail server tries again after 75; with 78 it would give the message back to its sender.
        do { config = try Config() } catch {
            throw fail("some settings are wrong; run usher check:\n\(error)", ExitStatus.tryAgain)
        }
        let bytes: Data
        do { bytes = try FileHandle.standardInput.readToEnd() ?? Data() } catch {
            throw fail(
                "the message cannot be read from standard input: \(String(cString: strerror(errno)))",
                ExitStatus.tryAgain)
        }
        guard bytes.contains(where: { $0 != 10 && $0 != 13 && $0 != 32 && $0 != 9 }) else {
            throw fail("there is no message on standard input", ExitStatus.dataError)
        }
        do {
            let open = try await OpenDesk.open(config)
            let outcome = try await open.desk.receive(
                bytes,
                sender: EnvelopeSender(sender),
                mailbox: mailbox.flatMap { MailAddress($0) })
            print(outcome.text)
            await open.desk.database.close()
        } catch { throw fail(sentence(error), ExitStatus.tryAgain) }
    }
}

struct AgentCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "Manage agents.",
        subcommands: [Add.self, ResetTwoFactor.self, Deactivate.self])

    /// The agent an operator names by address; exit 1 where there is none.
    private static func agent(_ email: String, _ tx: Transaction) throws -> Agent {
        guard let agent = try tx.db.agent(email: email.trimmingWhitespace()) else {
            throw Refusal.invalid("email", .unknown(email))
        }
        return agent
    }

    struct ResetTwoFactor: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reset-two-factor",
            abstract: "Turn two-factor authentication off for an agent who lost their device.",
            discussion:
                """
                The agent is signed out everywhere, told by email, and sets it up again after signing in with the \
                password.
                """
        )
        @Argument(help: "The agent's email address.")
        var email: String

        func run() async throws {
            try await withDesk { open in
                let agent = try await open.desk.write { [email] tx in
                    let agent = try AgentCommands.agent(email, tx)
                    try tx.resetSecondFactor(of: agent)
                    return agent
                }
                print("two-factor authentication is off for \(agent.name) <\(agent.email)>")
            }
        }
    }

    struct Deactivate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Deactivate an agent who has left.",
            discussion:
                """
                The agent is signed out everywhere at once and receives nothing more; their open tickets go back \
                to the team or department. The only administrator cannot be deactivated.
                """
        )
        @Argument(help: "The agent's email address.")
        var email: String

        func run() async throws {
            try await withDesk { open in
                let agent = try await open.desk.write { [email] tx in
                    let agent = try AgentCommands.agent(email, tx)
                    try tx.deactivate(agent)
                    return agent
                }
                print("deactivated \(agent.name) <\(agent.email)>")
            }
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add an agent.")

        @Option(help: "The agent's email address.")
        var email: String
        @Option(help: "The agent's name, as customers see it.")
        var name: String
        @Option(help: "administrator, supervisor, agent or viewer.")
        var role: Role = .agent
        @Option(
            name: .customLong("department"),
            help: "A department the agent works in; may be given several times. Without it, all of them.")
        var departments: [String] = []
        @Flag(help: "Read a password from standard input; without it the agent cannot sign in until one is set.")
        var passwordStdin = false

        func run() async throws {
            var hash: String?
            if passwordStdin {
                let password = (readLine(strippingNewline: true) ?? "")
                guard password.count >= Password.shortest else {
                    throw fail("The password is too short. Use at least \(Password.shortest) characters.", 1)
                }
                hash = try Password.hash(password)
            }
            try await withDesk { [hash] open in
                let (agent, places) = try await open.desk.write { [email, name, role, departments] tx in
                    let agent = try tx.addAgent(
                        email: email, name: name, role: role, departments: departments, passwordHash: hash)
                    return (agent, try tx.db.departmentNames(of: agent.id))
                }
                print("added \(agent.name) <\(agent.email)> as \(agent.role.rawValue)")
                print(
                    departments.isEmpty
                        ? "no department was named, so they work in all of them: \(places.joined(separator: ", "))"
                        : "departments: \(places.joined(separator: ", "))")
            }
        }
    }
}

extension Role: ExpressibleByArgument {}
extension APIKey.Scope: ExpressibleByArgument {}

struct APIKeyCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api-key", abstract: "Keys of the API's clients.", subcommands: [Add.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Create an API key and print it once.")

        @Option(help: "A name that says what the key is for.")
        var name: String
        @Option(
            help:
                "tickets:create can only create tickets, tickets can also work on them, full can also configure the desk."
        )
        var scope: APIKey.Scope = .tickets

        func run() async throws {
            try await withDesk { open in
                print(try await open.desk.write { [name, scope] in try $0.addAPIKey(name: name, scope: scope) })
            }
        }
    }
}

/// Shows how far long work is, on a terminal only.
struct ProgressBar: Sendable {
    let title: String

    func show(_ done: Int, of total: Int) {
        guard isatty(STDERR_FILENO) == 1, total > 0 else { return }
        let width = 40
        let filled = done * width / total
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        FileHandle.standardError.write(
            Data("\r\(title) \(bar) \(done * 100 / total)%\(done >= total ? "\n" : "")".utf8))
    }
}
