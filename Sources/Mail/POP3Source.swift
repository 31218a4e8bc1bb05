import Foundation

/// A mailbox read by POP3 (RFC 1939). It knows no flags: what stays on the server is remembered by its unique name.
final class POP3Source: MailSource {
    private let line: MailLine
    private let host: String
    /// The number of this visit for each unique name.
    private var numbers: [String: Int] = [:]

    init(_ server: MailServer, within seconds: Int) throws(MailFault) {
        line = try MailLine(server, within: seconds)
        host = server.host
    }

    func waiting(after position: MailboxPosition, first: FirstFetch) throws(MailFault) -> (
        messages: [WaitingMessage], position: MailboxPosition
    ) {
        var sizes: [Int: Int] = [:]
        for words in try list("LIST") { if let number = Int(words[0]) { sizes[number] = Int(words[1]) } }
        var names: [(name: String, number: Int)] = []
        for words in try list("UIDL") { if let number = Int(words[0]) { names.append((words[1], number)) } }
        numbers = Dictionary(names.map { ($0.name, $0.number) }, uniquingKeysWith: { first, _ in first })
        var position = position
        let isFirst = position.validity == nil
        position.validity = 1
        // A name the server no longer has need not be remembered.
        position.seen.formIntersection(numbers.keys)
        if isFirst, first == .none {
            position.seen = Set(numbers.keys)
            return ([], position)
        }
        let new = names.filter { !position.seen.contains($0.name) }.sorted { $0.number < $1.number }
        return (new.map { WaitingMessage(key: $0.name, size: sizes[$0.number] ?? 0) }, position)
    }

    func fetch(_ key: String, most: Int) throws(MailFault) -> Fetched {
        guard let number = numbers[key] else { return .gone }
        try command("RETR \(number)")
        var data = Data()
        var isWhole = true
        while true {
            var row = try line.line()
            if row == [UInt8(ascii: ".")] { return isWhole ? .message(data) : .tooLarge }
            if row.first == UInt8(ascii: ".") { row.removeFirst() }
            guard data.count + row.count + 2 <= most else {
                isWhole = false
                data = Data()
                continue
            }
            if isWhole {
                data.append(contentsOf: row)
                data.append(contentsOf: [0x0D, 0x0A])
            }
        }
    }

    func settle(_ keys: [String], _ after: AfterFetching) throws(MailFault) {
        guard after == .delete else { return }
        for key in keys { if let number = numbers[key] { try command("DELE \(number)") } }
    }

    func leave() throws(MailFault) { try command("QUIT") }

    // MARK: the dialogue

    private func command(_ text: String) throws(MailFault) {
        try line.send(text + "\r\n")
        let answer = String(decoding: try line.line(), as: UTF8.self)
        guard answer.hasPrefix("+OK") else {
            throw MailFault(.answer, "\(host) answered \(text.split(separator: " ")[0]) with \(answer)")
        }
    }

    /// Two words of each line.
    private func list(_ text: String) throws(MailFault) -> [[String]] {
        try command(text)
        var rows: [[String]] = []
        while true {
            let row = try line.line()
            if row == [UInt8(ascii: ".")] { return rows }
            let words = String(decoding: row, as: UTF8.self).split(separator: " ").map(String.init)
            if words.count >= 2 { rows.append(words) }
        }
    }
}
