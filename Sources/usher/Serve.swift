import ArgumentParser
import CMemory
import Desk
import Foundation
import Hummingbird
import Logging
import Mail
import Metrics
import ServiceLifecycle
import Store
import Web

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the desk: web, API, mail and background work in one process.",
        discussion: Config.helpText + "\n\nLOG_LEVEL sets how much is logged: trace, debug, info, notice (default), warning, error, critical.")

    @Flag(help: "Fill an empty desk with a believable company and print the sign-ins.")
    var demo = false

    func run() async throws {
        let config = try readConfig()
        let port = config.port == 0 ? try FreePort.pick(config.host) : config.port
        let measures = PrometheusMetrics()
        MetricsSystem.bootstrap(measures)
        let open: OpenDesk
        do { open = try await OpenDesk.open(config, url: "http://\(config.host.contains(":") ? "[\(config.host)]" : config.host):\(port)") } catch {
            throw fail(sentence(error), 1)
        }
        let desk = open.desk
        removeUnfinishedFiles(of: desk)
        if demo { try await Demo.fill(desk) { say($0) } }
        try await offerSetup(desk)
        let mailer = SMTPMailer(config.smtp, greeting: desk.office.mailbox.domain)
        var testButton: (@Sendable (String, MailText?) async -> String?)?
        if mailer.hasOwnServer { testButton = { recipient, text in await tryMail(mailer, desk, to: recipient, text) } }
        let web = Web(desk: desk, measures: measures, proxies: config.proxies, metricsReaders: config.metricsReaders, tryMail: testButton)
        // Large bodies come and go: their memory shall go back to the system at once, and not stay with the process.
        usher_return_large_memory(1 << 20)
        let limits = ConnectionLimits(most: ConnectionLimits.withinFileLimit(), proxies: Set(config.proxies))
        let app = Application(
            router: web.router(),
            // Whoever says nothing for so long is let go, also one who never reads our answer.
            server: .http1(configuration: .init(additionalChannelHandlers: [limits.handler()], idleTimeout: .seconds(75))),
            configuration: .init(address: .hostname(config.host, port: port), serverName: nil, backlog: 1024),
            onServerRunning: { _ in
                say("listening on http://\(config.host):\(port)")
            }, logger: Logger(label: "http"))
        // Stopped from the last to the first: open lines of news end before the server waits for its connections.
        var services: [any Service] = [Sweep(desk: desk), app, LiveRelay(desk: desk)]
        if let lmtp = config.lmtp { services.append(MailEntrance(desk: desk, host: lmtp.host, port: lmtp.port)) }
        services.append(MailboxRound(desk: desk))
        services.insert(Courier(desk: desk, mailer: mailer), at: 0)
        let group = ServiceGroup(
            configuration: .init(services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: Logger(label: "services")))
        do { try await group.run() } catch {
            await desk.database.close()
            throw fail("stopped: \(error)", 1)
        }
        await desk.database.close()
    }

    /// What a program that was killed was writing; nobody can still be writing it after a day.
    private func removeUnfinishedFiles(of desk: Desk) {
        do {
            let count = try desk.files.removeUnfinished(before: desk.clock.now() - 86400)
            if count > 0 { desk.log.notice("unfinished files were removed", metadata: ["count": "\(count)"]) }
        } catch { desk.log.error("unfinished files could not be removed", metadata: ["detail": "\(error)"]) }
    }

    /// The one-time link of the first administrator, made anew at each start until it was used.
    private func offerSetup(_ desk: Desk) async throws {
        guard let token = try await desk.write({ tx in try tx.needsSetup() ? try tx.makeSetupToken() : nil }) else { return }
        say("set up the first administrator at \(desk.office.url)/setup/\(token)")
    }
}

/// Sends one message at once and says in words what the mail server made of it; nil when it was taken.
private func tryMail(_ mailer: SMTPMailer, _ desk: Desk, to recipient: String, _ text: MailText?) async -> String? {
    guard let address = MailAddress(recipient) else { return "this is not an e-mail address" }
    let message = TestMail.message(to: address, text, desk)
    switch await mailer.send(message.encoded(), from: desk.office.mailbox.address, to: address.address, through: nil) {
    case .sent: return nil
    case .refused(let reason), .refusedByPolicy(let reason): return "refused: \(reason)"
    case .deferred(let reason), .serverTrouble(let reason): return "not now: \(reason)"
    case .interrupted: return "not now: the program is stopping"
    case .unknown(let reason): return "unclear: \(reason)"
    }
}

/// A port nobody listens on, so that links are right before the first request.
enum FreePort {
    static func pick(_ host: String) throws -> Int {
        let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(handle) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr(host == "localhost" ? "127.0.0.1" : host)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(handle, $0, length) == 0 && getsockname(handle, $0, &length) == 0 }
        }
        guard bound else { throw fail("no port can be had on \(host)", 1) }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
