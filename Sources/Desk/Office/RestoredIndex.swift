import Domain
import Store

extension Transaction {
    /// Makes the search index anew from what is kept.
    func indexEverything() throws {
        var after: Int64 = 0
        while true {
            let tickets: [Ticket.ID] = try db.query("SELECT id FROM ticket WHERE id > \(after) ORDER BY id LIMIT 500") {
                try $0.read()
            }
            guard let last = tickets.last else { break }
            try db.indexTexts(of: tickets)
            // Put off to the commit, the words of the whole desk would lie in memory.
            try db.settleIndex()
            after = last.number
        }
        if let highest: Int64 = try db.value("SELECT max(number) FROM ticket", as: Int64?.self) ?? nil {
            try db.advance(.ticketNumber, past: highest)
        }
    }
}
