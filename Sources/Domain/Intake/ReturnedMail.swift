extension Ticket {
    /// A mail of ours came back: those who work on the ticket hear of it.
    ///
    /// - Parameter what: what became of it, as far as the report says: "came back".
    package func mailCameBack(from address: String, detail: String, what: String) -> [Consequence] {
        [.mailAgents(.undelivered, to: workers, by: .mail, reason: "Your email to \(address) \(what): \(detail)")]
    }
}
