import Foundation

/// What administrators set that decides about the life of tickets.
package struct LifePolicy: Sendable, Equatable {
    /// Hours without a word from the customer after which a resolved ticket is closed.
    package var closeAfterHours: Int
    /// Days after closing in which an answer reopens the ticket; later it opens another one.
    package var reopenWithinDays: Int
    /// Whether the customer is asked how it went.
    package var sendsSurveys: Bool
    /// Hours between closing and that question.
    package var surveyDelayHours: Int
    /// Hours between two words to the customer of an escalated ticket.
    package var updateEveryHours: Int

    package init(
        closeAfterHours: Int = 72, reopenWithinDays: Int = 30, sendsSurveys: Bool = true, surveyDelayHours: Int = 0,
        updateEveryHours: Int = 4
    ) {
        self.closeAfterHours = closeAfterHours
        self.reopenWithinDays = reopenWithinDays
        self.sendsSurveys = sendsSurveys
        self.surveyDelayHours = surveyDelayHours
        self.updateEveryHours = updateEveryHours
    }

    var pauseOfUpdates: TimeInterval { TimeInterval(updateEveryHours * 3600) }
}
