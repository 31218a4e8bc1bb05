/// How long statements, locks and pauses within a transaction may take, as PostgreSQL is told it. The server keeps to
/// it also when this program cannot stop a statement itself.
enum PostgresLimits {
    /// Sent with the connection where the server takes such words; a pooler may not (see `PostgresLine.open`).
    static let session = "-c statement_timeout=30s -c lock_timeout=5s -c idle_in_transaction_session_timeout=60s"

    /// What begins a transaction. `SET` takes no snapshot yet, so that a lock may be taken before one is.
    ///
    /// - Parameter isSessionTold: whether the session has its limits; a pooler keeps no session, so that they go with
    ///   each transaction.
    static func begin(reads: Bool, in lane: Lane, isSessionTold: Bool) -> [SQL] {
        let begin: [SQL] = [
            reads ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" : "BEGIN ISOLATION LEVEL REPEATABLE READ"
        ]
        switch lane {
        case .long:
            return begin + [
                "SET LOCAL statement_timeout = 0", "SET LOCAL lock_timeout = 0",
                "SET LOCAL idle_in_transaction_session_timeout = 0",
            ]
        // Half of the connections are for searches, and each is one process: what a parallel plan would take besides
        // belongs to the pages.
        case .search:
            return begin + usual(isSessionTold) + [
                "SET LOCAL statement_timeout = '5s'", "SET LOCAL max_parallel_workers_per_gather = 0",
            ]
        case .report:
            return begin + usual(isSessionTold) + [
                "SET LOCAL statement_timeout = '25s'", "SET LOCAL max_parallel_workers_per_gather = 0",
            ]
        case .page, .health: return begin + usual(isSessionTold)
        }
    }

    /// Who meets a lock in a group of writes soon gives way to the others, and waits for it alone.
    static func beginGroup(isSessionTold: Bool) -> [SQL] {
        begin(reads: false, in: .page, isSessionTold: isSessionTold) + ["SET LOCAL lock_timeout = '200ms'"]
    }

    private static func usual(_ isSessionTold: Bool) -> [SQL] {
        isSessionTold
            ? []
            : [
                "SET LOCAL statement_timeout = '30s'", "SET LOCAL lock_timeout = '5s'",
                "SET LOCAL idle_in_transaction_session_timeout = '60s'",
            ]
    }
}
