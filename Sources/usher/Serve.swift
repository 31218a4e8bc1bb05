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
        discussion: Config.helpText
            + "\n\nLOG_LEVEL sets how much is logged: trace, debug, info, notice (default), warning, error, critical.")

    @Flag(help: "Fill an empty desk with demo data and print accounts to sign in with.")
    var demo = false

    func run() async throws {
        let config = try readConfig()
        let port: Int
        do {
            port = try ListenAddress.claim(config.host, config.port, "USHER_LISTEN")
            if let lmtp = config.lmtp { _ = try ListenAddress.claim(lmtp.host, lmtp.port, "USHER_LMTP_LISTEN") }
        } catch { throw fail(sentence(error), exitStatus(of: error)) }
        let measures = PrometheusMetrics()
        MetricsSystem.bootstrap(measures)
        let open: OpenDesk
        do {
            try DataFolder.prepare(config.data, log: Logger(label: "usher"))
            if config.postgres == nil { try DataFolder.claim(config.data) }
            open = try await OpenDesk.open(
                config, url: "http://\(config.hostInAddress):\(port)")
        } catch { throw fail(sentence(error), exitStatus(of: error)) }
        let desk = open.desk
        removeUnfinishedFiles(of: desk)
        if demo { try await Demo.fill(desk) { say($0) } }
        try await offerSetup(desk)
        // The environment comes before what administrators set, which counts from the moment it is saved.
        let mailer = SMTPMailer(
            { config.smtp ?? desk.settings.current.smtp.server(desk.office.signer) },
            greeting: desk.office.mailbox.domain)
        let outgoing = OutgoingMail(
            isSet: { mailer.hasOwnServer },
            send: { recipient, text in await tryMail(mailer, desk, to: recipient, text) })
        let web = Web(
            desk: desk, measures: measures, proxies: config.proxies, metricsReaders: config.metricsReaders,
            outgoing: outgoing, takesLMTP: config.lmtp != nil)
        // Large bodies come and go: their memory shall go back to the system at once, and not stay with the process.
        usher_return_large_memory(1 << 20)
        let limits = ConnectionLimits(most: ConnectionLimits.withinFileLimit(), proxies: Set(config.proxies))
        let app = Application(
            router: web.router(),
            // Whoever says nothing for so long is let go, also one who never reads our answer.
            server: .http1(
                configuration: .init(additionalChannelHandlers: [limits.handler()], idleTimeout: .seconds(75))),
            configuration: .init(address: .hostname(config.host, port: port), serverName: nil, backlog: 1024),
            onServerRunning: { _ in
                say("listening on http://\(config.hostInAddress):\(port)")
            }, logger: Logger(label: "http"))
        // Stopped from the last to the first: open lines of news end before the server waits for its connections.
        var services: [any Service] = [Sweep(desk: desk), app, LiveRelay(desk: desk)]
        if let lmtp = config.lmtp { services.append(MailEntrance(desk: desk, host: lmtp.host, port: lmtp.port)) }
        services.append(MailboxRound(desk: desk))
        services.insert(Courier(desk: desk, mailer: mailer), at: 0)
        services.append(LastExit())
        let group = ServiceGroup(
            configuration: .init(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: Logger(label: "services")))
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
        guard let token = try await desk.write({ tx in try tx.needsSetup() ? try tx.makeSetupToken() : nil }) else {
            return
        }
        say("set up the first administrator at \(desk.office.url)/setup/\(token)")
    }
}

/// Sends one message at once and says in words what the mail server made of it; nil when it was taken.
private func tryMail(_ mailer: SMTPMailer, _ desk: Desk, to recipient: String, _ text: MailText?) async -> String? {
    guard let address = MailAddress(recipient) else { return "this is not a valid email address" }
    let message = TestMail.message(to: address, text, desk)
    switch await mailer.send(message.encoded(), from: desk.office.mailbox.address, to: address.address, through: nil) {
    case .sent: return nil
    case .refused(let reason), .refusedByPolicy(let reason): return "the server refused it: \(reason)"
    case .deferred(let reason), .serverTrouble(let reason): return "the server can't take it now: \(reason)"
    case .interrupted: return "Usher is stopping"
    case .unknown(let reason): return "it may not have arrived: \(reason)"
    }
}

/// Ends the program some seconds after it was told to stop, whatever still waits: nothing that was acknowledged depends
/// on a clean end.
private struct LastExit: Service {
    private static let seconds: TimeInterval = 9

    func run() async throws {
        try? await gracefulShutdown()  // thrown when the group ends by itself: then there is nothing to hurry
        let thread = Thread {
            Thread.sleep(forTimeInterval: Self.seconds)
            FileHandle.standardError.write(
                Data("usher: stopped before all requests and emails were finished\n".utf8))
            _exit(0)
        }
        thread.start()
    }
}
