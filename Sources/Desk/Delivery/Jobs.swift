import Domain
import Foundation
import Logging
import ServiceLifecycle
import Store

extension Transaction {
    func schedule(_ job: JobKind, for ticket: Ticket.ID, at due: Date) throws {
        try db.later(
            """
            INSERT INTO job (kind, ticket_id, due_at) VALUES (\(job), \(ticket), \(due))
            ON CONFLICT (ticket_id, kind) DO UPDATE SET due_at = excluded.due_at, attempts = 0, error = NULL
            """)
    }
    /// What is kept for a while only.
    func clearOut() throws {
        try forgetOldAnswers()
        try forgetOldSessions()
    }

    /// Calls a job off, and tells when it had been due; nil where it was not planned.
    @discardableResult
    func cancel(_ job: JobKind, for ticket: Ticket.ID) throws -> Date? {
        try db.value("DELETE FROM job WHERE ticket_id = \(ticket) AND kind = \(job) RETURNING due_at")
    }

    /// Takes a due job and does it, both in this transaction: it is done once, by one node.
    func perform(_ id: Int64) throws {
        let job = try db.first("DELETE FROM job WHERE id = \(id) AND due_at <= \(now) RETURNING kind, ticket_id") {
            (try $0.read(JobKind.self), try $0.read(Ticket.ID.self))
        }
        guard let (kind, ticket) = job else { return }
        switch kind {
        case .closeSilent: try closeAfterSilence(ticket)
        case .sendSurvey: try sendSurvey(ticket)
        case .updateCustomer: try updateCustomer(ticket)
        case .tellDepartment: try tellOfNewRequests(first: ticket)
        }
    }
}

/// Looks every second for jobs that are due, targets that were missed and agents whose hour of the daily mail has come.
package struct Sweep: Service {
    private let desk: Desk
    private static let mostAttempts = 10
    private static let looksBetweenClearings = 3600
    private static let looksBetweenFileSweeps = 6 * 3600

    package init(desk: Desk) { self.desk = desk }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var looks = 0
            var tending: Task<Void, Never>?
            var sweeping: Task<Void, Never>?
            defer {
                tending?.cancel()
                sweeping?.cancel()
            }
            while !Task.isCancelled {
                do {
                    try await tick()
                    if desk.clockWatch.hold == nil, looks % Self.looksBetweenClearings == 0 {
                        try await desk.write { try $0.clearOut() }
                        tending?.cancel()
                        tending = Task { [desk] in
                            do { try await desk.tendIndex() } catch {
                                if !Task.isCancelled {
                                    desk.log.error(
                                        "the search index could not be optimized", metadata: ["detail": "\(error)"])
                                }
                            }
                        }
                    }
                    if looks % Self.looksBetweenFileSweeps == Self.looksBetweenClearings - 1 {
                        sweeping = Task { [desk] in await Self.sweepFiles(desk) }
                    }
                    looks += 1
                    try await desk.reloadSettings()
                } catch { desk.log.error("the sweep failed", metadata: ["detail": "\(error)"]) }
                try? await Task.sleep(for: .seconds(1))  // cancelled at shutdown: the loop ends
            }
        }
    }

    private static func sweepFiles(_ desk: Desk) async {
        do {
            let count = try await desk.sweepFiles()
            if count > 0 { desk.log.notice("unused files were removed", metadata: ["count": "\(count)"]) }
        } catch {
            if !Task.isCancelled {
                desk.log.error("unused files could not be removed", metadata: ["detail": "\(error)"])
            }
        }
    }

    /// Does all that is due now; returns how much it was.
    @discardableResult
    package func tick() async throws -> Int {
        guard try await desk.read({ try $0.isLive() }) else { return 0 }
        guard try await desk.mayTrustClock() else { return 0 }
        let now = desk.clock.now()
        let jobs = try await desk.read {
            try $0.query("SELECT id FROM job WHERE due_at <= \(now) ORDER BY due_at LIMIT 100") {
                try $0.read(Int64.self)
            }
        }
        for id in jobs {
            do { try await desk.write { try $0.perform(id) } } catch { try await postpone(id, error) }
        }
        let watched = try await desk.read {
            try $0.query(
                "SELECT id FROM ticket WHERE watch_at IS NOT NULL AND watch_at <= \(now) ORDER BY watch_at LIMIT 100"
            ) { try $0.read(Ticket.ID.self) }
        }
        for id in watched { try await desk.write { try $0.markOverdue(id) } }
        let told = try await desk.read {
            try $0.query(
                "SELECT id FROM agent WHERE digest_at <= \(now) AND is_active = 1 ORDER BY digest_at LIMIT 100"
            ) { try $0.read(Agent.ID.self) }
        }
        for id in told { try await desk.write { try $0.sendDigest(to: id) } }
        return jobs.count + watched.count + told.count
    }

    private func postpone(_ id: Int64, _ error: any Error) async throws {
        desk.log.error("a job failed", metadata: ["job": "\(id)", "detail": "\(error)"])
        try await desk.write { tx in
            try tx.db.execute(
                """
                UPDATE job SET attempts = attempts + 1, error = \("\(error)"), due_at = \(tx.now + 60)
                WHERE id = \(id) AND attempts < \(Self.mostAttempts)
                """
            )
            // Kept for the operator to see, out of the way of the others.
            try tx.db.execute(
                "UPDATE job SET due_at = \(tx.now + 86400) WHERE id = \(id) AND attempts >= \(Self.mostAttempts)")
        }
    }
}
