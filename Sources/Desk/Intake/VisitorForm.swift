import Foundation
import Mail
import Primitives

/// Whether a mail is what a visitor typed into a form, sent by the service that runs the form: told by how its addresses
/// and its words belong together, in any language.
///
/// A guess, and only about whom `Reply-To` names: agents see who really sent it. A person with two mailboxes calls
/// themselves alike in both, and a form answers nobody.
struct VisitorForm {
    private let message: IncomingMessage
    private let from: MailAddress
    private let visitor: MailAddress

    /// - Parameter visitor: the only address in `Reply-To`.
    init(_ message: IncomingMessage, from: MailAddress, visitor: MailAddress) {
        self.message = message
        self.from = from
        self.visitor = visitor
    }

    var isOne: Bool {
        guard message.inReplyTo.isEmpty, message.references.isEmpty, !message.isAnswer else { return false }
        guard !isOneHouse, !isOnePerson else { return false }
        let text = String(decoding: message.text.utf8.prefix(Self.mostText), as: UTF8.self)
        return holdsFields(text) || isService && names(text)
    }
    private static let mostText = 64 << 10

    /// The two domains belong to one organisation: one is within the other, or both bear its name.
    private var isOneHouse: Bool {
        let (one, other) = (from.domain, visitor.domain)
        if one == other || one.hasSuffix("." + other) || other.hasSuffix("." + one) { return true }
        return !Set(Self.labels(one)).isDisjoint(with: Self.labels(other))
    }
    private static func labels(_ domain: String) -> [Substring] {
        domain.split(separator: ".").dropLast().filter { $0.count > 3 }
    }

    /// The sender's mailbox bears a name of the person in `Reply-To`, or one of its own name: somebody's mailbox.
    private var isOnePerson: Bool {
        let mailbox = from.localPart.filter(\.isLetter)
        let parts = Self.words(from.localPart)
        // `k.ito@…`
        if parts.contains(where: { $0.count == 1 }) { return true }
        let others = Self.words(visitor.name) + Self.words(visitor.localPart)
        return others.contains {
            $0.count > 2
                && (mailbox.contains($0)
                    || parts.contains { part in
                        part.count > 2 && visitor.localPart.contains(part)
                    })
        }
    }

    /// The sender calls itself by its domain, or by no name at all.
    private var isService: Bool {
        let name = Self.words(from.name)
        let house = from.domain.filter { $0.isLetter || $0.isNumber }
        return name.allSatisfy { house.contains($0) }
            || Self.labels(from.domain).contains { name.joined().contains($0) }
    }

    /// The words speak of the visitor: by the address, or by a name.
    private func names(_ text: String) -> Bool {
        let text = text.lowercased()
        if text.contains(visitor.address) { return true }
        let words = Set(text.split { !$0.isLetter && !$0.isNumber })
        return Self.words(visitor.name).contains { $0.count > 2 && words.contains($0[...]) }
    }

    /// The text begins with what was filled in, `Name: Zoe`, and the address is one of the values.
    private func holdsFields(_ text: String) -> Bool {
        let lines = text.split(separator: "\n").lazy.map { String($0).trimmingWhitespace() }.filter { !$0.isEmpty }
        var fields = 0
        var holdsAddress = false
        for (index, line) in lines.prefix(100).enumerated() {
            guard let colon = line.prefix(60).firstIndex(where: { $0 == ":" || $0 == "：" }) else {
                // Nothing but a title stands above the fields.
                if index > 0, fields == 0 { return false }
                continue
            }
            fields += 1
            let value = line[line.index(after: colon)...].lowercased()
            holdsAddress = holdsAddress || value.contains(visitor.address)
        }
        return fields >= 2 && holdsAddress
    }

    private static func words(_ text: String) -> [String] {
        text.lowercased().split { !$0.isLetter }.map(String.init)
    }
}
