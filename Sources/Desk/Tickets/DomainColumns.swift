import Domain
import Store

// How the values of the domain are kept: by their word, except for the priority, which is ordered.

extension Source: SQLConvertible {}
extension Role: SQLConvertible {}
extension Actor.Kind: SQLConvertible {}
extension TicketEvent.Kind: SQLConvertible {}
extension MailKind: SQLConvertible {}
extension JobKind: SQLConvertible {}
extension Rating: SQLConvertible {}
extension EntryKind: SQLConvertible {}

// Every line of every list reads these two; the way all enums are read looks their types up each time.
extension TicketState: SQLConvertible {
    package static func read(_ column: borrowing Column) throws -> TicketState {
        let word = try column.text()
        guard let state = TicketState(rawValue: word) else {
            throw StoreError.unreadable("\(word) is no state of a ticket")
        }
        return state
    }
}
extension Priority: SQLConvertible {
    package static func read(_ column: borrowing Column) throws -> Priority {
        let number = try column.integer()
        guard let priority = Priority(rawValue: Int(number)) else {
            throw StoreError.unreadable("\(number) is no priority")
        }
        return priority
    }
}
