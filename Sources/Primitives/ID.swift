/// The key of a row, told apart by what it identifies: `ID<Ticket>` is no `ID<Agent>`.
package struct ID<Of>: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
    package let number: Int64
    package init(_ number: Int64) { self.number = number }
    package static func < (left: Self, right: Self) -> Bool { left.number < right.number }
    package var description: String { String(number) }
}
