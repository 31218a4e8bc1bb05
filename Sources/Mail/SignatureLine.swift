import Foundation

/// What a line says that may belong to a signature. Judged by its words alone.
enum SignatureLine {
    /// Somebody says something: several words that end like a sentence.
    static func isSentence(_ words: String) -> Bool {
        guard let last = words.last, ".!?。！？…".contains(last) else { return words.split(separator: " ").count > 12 }
        return words.split(separator: " ").count >= 4 || last == "?" || last == "？"
    }

    /// Says something rather than naming somebody: a sentence, or what stands behind a colon and is no address and no
    /// number to call.
    static func says(_ words: String) -> Bool {
        if isSentence(words) { return true }
        guard let colon = words.firstIndex(of: ":"), !words[colon...].hasPrefix("://") else { return false }
        let value = words[words.index(after: colon)...]
        return !value.contains("@") && value.count(where: \.isNumber) < 6
            && !value.contains(/[\p{L}\d]\.\p{L}/)
    }

    /// A name, an address or a number, as they stand in a signature: most words begin with a capital or are none.
    static func isName(_ words: String) -> Bool {
        let words = words.split(separator: " ")
        let names = words.count { word in
            word.contains("@") || word.dropLast().contains(".") || word.first?.isUppercase == true
                || word.first?.isNumber == true
                || !word.contains(where: \.isLetter)
        }
        return names * 2 > words.count
    }

    /// The line in which a device or a program names itself, and nothing else: `Sent from my iPhone`.
    static func isDevice(_ words: String) -> Bool {
        let plain = words.trimmingCharacters(in: CharacterSet(charactersIn: "<>()*_[]. "))
        let lowered = plain.lowercased()
        guard lowered.utf8.count < 120, !lowered.contains("@"), !lowered.contains(/[.!?,;:]\s/) else { return false }
        guard let opening = Self.devices.first(where: lowered.hasPrefix) else { return false }
        let written = plain.dropFirst(opening.count).split(whereSeparator: { " -‑".contains($0) }).map(String.init)
        let rest = written.map { $0.lowercased() }
        guard rest.count <= 9, opening != "von " || rest.last == "gesendet" else { return false }
        func isNamed(_ word: String, _ names: [String]) -> Bool {
            names.contains { word == $0 || $0.count > 3 && (word.hasPrefix($0) || word.hasSuffix($0)) }
        }
        let mine = rest.firstIndex { Self.possessives.contains($0) }
        let product = rest.firstIndex { isNamed($0, Self.products) }
        let own = mine.map { $0 < product ?? rest.count } ?? false
        let names = own ? Self.products + Self.kinds : Self.products
        guard let first = rest.firstIndex(where: { isNamed($0, names) }), first <= 3,
            let last = rest.lastIndex(where: { isNamed($0, names) })
        else { return false }
        // Whoever goes on behind the name says something: of `Sent via Yahoo on Friday` only a model's number or kind
        // would belong to the name.
        return zip(written, rest).dropFirst(last + 1).allSatisfy { word, lowered in
            lowered == "gesendet" || isNamed(lowered, Self.kinds)
                || own && word.count <= 4 && (word.first?.isUppercase == true || word.first?.isNumber == true)
        }
    }
    private static let devices = [
        "sent from ", "sent via ", "sent with ", "sent using ", "get outlook", "envoyé de ",
        "envoyé depuis ",
        "envoyé à partir de ", "von ", "gesendet von ", "gesendet mit ", "gesendet über ",
        "diese nachricht wurde von ", "enviado de", "enviado do", "enviado a partir", "inviato da",
        "verzonden met", "verstuurd vanaf", "verzonden vanaf", "skickat från", "sendt fra", "wysłane z",
        "отправлено с", "從我的", "someone from mobile", "lähetetty", "odesláno z",
    ]
    private static let possessives: Set<String> = [
        "my", "mein", "meinem", "meiner", "mon", "ma", "mi", "meu", "mio", "mia", "mijn", "min", "mit", "mojego",
        "mého",
        "моего",
    ]
    /// Names of devices and programs.
    private static let products = [
        "iphone", "ipad", "ipod", "android", "galaxy", "samsung", "blackberry", "windows", "outlook", "yahoo", "huawei",
        "xiaomi", "nokia", "gmx", "thunderbird", "proton", "nexus", "pixel", "htc", "ios",
    ]
    /// What people speak of as well: it counts where it is the writer's own.
    private static let kinds = [
        "mail", "phone", "mobil", "handy", "telefon", "tablet", "móvil", "téléphone", "телефон", "smartphone",
    ]
}
