import Foundation

/// The clocks of one ticket.
package struct Deadlines: Sendable, Equatable, Codable {
    package var firstResponseDueAt: Date?
    package var firstRespondedAt: Date?
    package var resolutionDueAt: Date?
    /// Since when the clocks rest.
    package var pausedAt: Date?

    package init(
        firstResponseDueAt: Date? = nil, firstRespondedAt: Date? = nil, resolutionDueAt: Date? = nil,
        pausedAt: Date? = nil
    ) {
        self.firstResponseDueAt = firstResponseDueAt
        self.firstRespondedAt = firstRespondedAt
        self.resolutionDueAt = resolutionDueAt
        self.pausedAt = pausedAt
    }

    /// The target that comes next; none while the clock rests.
    package var next: Date? {
        guard pausedAt == nil else { return nil }
        let response = firstRespondedAt == nil ? firstResponseDueAt : nil
        return [response, resolutionDueAt].compactMap { $0 }.min()
    }

    /// The target that was missed at a moment, in words.
    package func missed(at now: Date) -> (name: String, dueAt: Date)? {
        guard pausedAt == nil else { return nil }
        if firstRespondedAt == nil, let due = firstResponseDueAt, due <= now { return ("first response", due) }
        if let due = resolutionDueAt, due <= now { return ("resolution", due) }
        return nil
    }
}
