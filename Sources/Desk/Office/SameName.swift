import Foundation
import Primitives
import Store

extension Connection {
    /// The keys of the rows that have a name, the oldest first: letters count as the same whatever their case and
    /// however their accents are written, and on either engine. The tables that names are looked up in are small.
    ///
    /// - Parameter condition: which rows are looked at.
    func keys(named name: String, in table: SQL, where condition: SQL = "1 = 1") throws -> [Int64] {
        let wanted = name.folded
        return try query("SELECT id, name FROM \(table) WHERE \(condition) ORDER BY id") { row in
            (id: try row.read(Int64.self), name: try row.read(String.self))
        }.filter { $0.name.folded == wanted }.map(\.id)
    }
}
