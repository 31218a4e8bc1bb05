import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Store

/// The tickets of a search or a view as comma-separated values (RFC 4180), read and sent page by page, so that however
/// many there are, only a page of them is in memory.
struct TicketFile: Sendable {
    let list: TicketList
    let columns: [ViewColumn]
    let name: String
    private static let page = 200

    func response(_ call: Call) async throws -> Response {
        let (desk, caller, t) = (call.desk, call.caller, call.frame.t)
        // What is wrong with the search is said before anything is sent.
        let first = try await desk.read(.report) { db in try page(db, after: nil) }
        let fields = try await desk.choices.choices(on: desk).fieldLabels
        let body = ResponseBody { writer in
            var page = first
            var text = Self.line([t("Number")] + columns.map { t.column($0, fields) })
            while true {
                for ticket in page.lines.lines {
                    let cells = columns.map { ticket.text($0, page.details[ticket.id], t) }
                    text += Self.line([String(ticket.number)] + cells)
                }
                try await writer.write(ByteBuffer(string: text))
                text = ""
                guard let next = page.lines.next else { break }
                page = try await Caller.$current.withValue(caller) {
                    try await desk.read(.report) { try self.page($0, after: next) }
                }
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/csv; charset=utf-8", .cacheControl: "no-store", .contentTypeOptions: "nosniff",
                .contentDisposition: "attachment; filename=\"\(fileName)\"",
            ], body: body)
    }

    private typealias Part = (lines: TicketLines, details: [Ticket.ID: TicketDetails])

    private func page(_ db: any Connection, after: TicketCursor?) throws -> Part {
        var wanted = list
        (wanted.limit, wanted.after) = (Self.page, after)
        let lines = try db.lines(wanted)
        return (lines, columns.contains(where: \.isDetail) ? try db.details(of: lines.lines.map(\.id)) : [:])
    }

    private var fileName: String {
        let words = name.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }.joined(separator: "-")
        return (words.isEmpty ? "tickets" : String(words.prefix(60))) + ".csv"
    }

    static func line(_ cells: [String]) -> String { cells.map(cell).joined(separator: ",") + "\r\n" }

    /// A cell as programs for tables read it: nothing in it is taken for a formula, and nothing ends it early.
    static func cell(_ text: String) -> String {
        let isFormula = text.unicodeScalars.first.map { "=+-@\t\r\n＝＋－＠".unicodeScalars.contains($0) } ?? false
        let safe = isFormula ? "'" + text : text
        guard safe.unicodeScalars.contains(where: { "\",;\t\r\n".unicodeScalars.contains($0) }) else { return safe }
        return "\"" + safe.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }
}
