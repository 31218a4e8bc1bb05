import ArgumentParser
import Desk
import Foundation
import Logging
import Primitives
import Store

/// The program: one command for each thing an operator or a mail server does.
@main
struct Usher: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "usher", abstract: "The Usher help desk.",
        subcommands: [
            Serve.self, Migrate.self, Intake.self, AgentCommands.self, APIKeyCommands.self, SeedCommand.self,
            BackupCommand.self, Restore.self, Check.self,
        ])

    static func main() async {
        LoggingSystem.bootstrap { Logfmt($0) }
        signal(SIGPIPE, SIG_IGN)
        // What the desk writes holds other people's mail.
        umask(0o077)
        // To a mail server a wrong option would mean that nobody can ever read the message, which goes back to its
        // sender then.
        if CommandLine.arguments.dropFirst().first == Intake.configuration.commandName ?? "intake" {
            do { _ = try parseAsRoot() } catch  where exitCode(for: error) == .validationFailure {
                _ = fail(message(for: error), ExitStatus.tryAgain)
                Foundation.exit(ExitStatus.tryAgain)
            } catch {}
        }
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
        throw fail(
            "some settings are wrong:\n" + mistakes.lines.map { "  \($0)" }.joined(separator: "\n"),
            ExitStatus.configuration)
    }
}

/// What went wrong, for the person at the terminal.
func sentence(_ error: any Error) -> String {
    switch error {
    case let refusal as Refusal:
        switch refusal {
        case .invalid(let faults): faults.map(\.text).joined(separator: " ")
        case .notFound: "This doesn't exist. Check its name or number."
        case .malformed(let reason): reason
        case .notAllowed(let reason), .conflict(let reason, _): reason.english
        case .tooLarge(let limit): "This is larger than \(fileSize(limit)). Send less at a time."
        }
    case let fault as Misconfigured: fault.words
    case let fault as ListenAddress.Fault: fault.words
    case StoreError.newerDatabase(let step):
        """
        the database was written by a newer version of Usher (it has the step \(step)). Run that version or a \
        newer one
        """
    case StoreError.unavailable(let detail): "the database cannot be reached: \(detail)"
    case StoreError.misconfigured(let detail): "the database refuses the connection; check USHER_DATABASE: \(detail)"
    case StoreError.full: "the disk is full. Free some space and try again"
    case StoreError.outcomeUnknown:
        "the connection to the database was lost while saving. Check whether the change was made before you try again"
    case let error as StoreError: "the database reported an error: \(error.detail)"
    case let error as NSError where error.domain == NSCocoaErrorDomain || error.domain == NSPOSIXErrorDomain:
        error.localizedDescription
    default: "\(error)"
    }
}

/// The exit code of what kept `usher serve` from starting: 78 where a setting has to be changed.
func exitStatus(of error: any Error) -> Int32 {
    switch error {
    case is Misconfigured, is ListenAddress.Fault, StoreError.misconfigured: ExitStatus.configuration
    default: 1
    }
}

/// Runs a command's work with the desk open, exit 1 with a sentence when it fails.
func withDesk(lane: Lane = .long, _ work: (OpenDesk) async throws -> Void) async throws {
    let config = try readConfig()
    do {
        let open = try await OpenDesk.open(config, lane: lane)
        try await work(open)
        await open.desk.database.close()
    } catch let code as ExitCode { throw code } catch { throw fail(sentence(error), 1) }
}
