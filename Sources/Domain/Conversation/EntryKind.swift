/// What an entry of the conversation is.
package enum EntryKind: String, Sendable, CaseIterable {
    /// From a customer.
    case message
    /// From an agent to the customer.
    case reply
    /// Internal: no customer ever receives it.
    case note
}
