import Domain
import Testing

@testable import Desk

@Suite("What each state allows")
struct TicketStateTests {
    @Test(
        "the whole table",
        arguments: [
            (
                TicketState.new,
                "claim assign release transfer escalate wait hold resolve close spam merge split link unlink"
            ),
            (.open, "claim assign release transfer escalate wait hold resolve close spam merge split link unlink"),
            (.waiting, "claim assign release transfer escalate hold resume resolve close spam merge split link unlink"),
            (.held, "claim assign release transfer escalate wait resume resolve close spam merge split link unlink"),
            (.resolved, "confirm close reopen spam merge split link unlink"),
            (.closed, "reopen spam merge split link unlink"),
            (.spam, "reopen link unlink"),
            (.merged, "unmerge unlink"), (.deleted, ""),
        ])
    func table(state: TicketState, actions: String) {
        let allowed = TicketAction.allCases.filter { $0.isAllowed(in: state) && !$0.rawValue.contains("_") }.map(
            \.rawValue)
        #expect(allowed.joined(separator: " ") == actions)
    }
}
