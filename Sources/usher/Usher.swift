import ArgumentParser
import Desk
import Foundation
import Logging
import Store

/// The program: one command for each thing an operator or a mail server does.
@main
struct Usher: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "usher", abstract: "A help desk: every ticket from intake to resolution and back.",
        subcommands: [Serve.self, Migrate.self, Intake.self, AgentCommands.self, APIKeyCommands.self, SeedCommand.self, BackupCommand.self, Restore.self, Check.self])

    static func main() async {
        LoggingSystem.bootstrap { Logfmt($0) }
        signal(SIGPIPE, SIG_IGN)
        await main(nil)
    }
}

/// Ends with a sentence on standard error and the exit code of the kind of fault.
func fail(_ sentence: String, _ code: Int32) -> ExitCode {
    FileHandle.standardError.write(Data("usher: \(sentence)\n".utf8))
    return ExitCode(code)
}

/// One line on standard output, at once: whoever started the program may be waiting for it.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

/// sysexits.h
enum ExitStatus {
    static let dataError: Int32 = 65
    static let tryAgain: Int32 = 75
    static let configuration: Int32 = 78
}

/// The settings, or an end that names every mistake in them.
func readConfig() throws -> Config {
    do { return try Config() } catch let mistakes as Config.Mistakes {
        throw fail("the settings are wrong:\n" + mistakes.lines.map { "  \($0)" }.joined(separator: "\n"), ExitStatus.configuration)
    }
}

/// What went wrong, for the person at the terminal.
func sentence(_ error: any Error) -> String {
    switch error {
    case let refusal as Refusal:
        switch refusal {
        case .invalid(let faults): faults.map { "\($0.field) \($0.problem.text)" }.joined(separator: "; ")
        case .notFound: "there is no such thing"
        case .notAllowed(let reason), .malformed(let reason): reason
        case .conflict(let reason, _): reason
        case .tooLarge(let limit): "larger than the limit of \(limit) bytes"
        }
    case StoreError.newerDatabase(let step): "the database was written by a newer Usher (step \(step)); run that one"
    case StoreError.unavailable(let detail): "the database cannot be reached: \(detail.trimmingCharacters(in: .whitespacesAndNewlines))"
    case StoreError.full: "the disk is full"
    case let error as StoreError: "\(error)"
    default: "\(error)"
    }
}

/// Runs a command's work with the desk open, exit 1 with a sentence when it fails.
func withDesk(_ work: (OpenDesk) async throws -> Void) async throws {
    let config = try readConfig()
    do {
        let open = try await OpenDesk.open(config)
        try await work(open)
        await open.desk.database.close()
    } catch let code as ExitCode { throw code } catch { throw fail(sentence(error), 1) }
}
