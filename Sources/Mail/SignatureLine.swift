import Foundation

/// What a line says that may belong to a signature. Judged by its words alone.
enum SignatureLine {
    /// Somebody says something: several words that end like a sentence.
    static func isSentence(_ words: String) -> Bool {
        guard let last = words.last, ".!?。！？…".contains(last) else { return words.split(separator: " ").count > 12 }
        return words.split(separator: " ").count >= 4 || last == "?" || last == "？"
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
        let lowered = words.lowercased().trimmingCharacters(in: CharacterSet(charactersIn: "<>()*_[]. "))
        guard lowered.utf8.count < 120, !lowered.contains("@"), !lowered.contains(/[.!?,;:]\s/) else { return false }
        guard let opening = Self.devices.first(where: lowered.hasPrefix) else { return false }
        let rest = lowered.dropFirst(opening.count).split(whereSeparator: { " -‑".contains($0) })
        guard rest.count <= 9, opening != "von " || rest.last == "gesendet" else { return false }
        let own = rest.contains { Self.possessives.contains(String($0)) }
        let names = own ? Self.products + Self.kinds : Self.products
        let last = rest.lastIndex { word in
            names.contains { word == $0 || $0.count > 3 && (word.hasPrefix($0) || word.hasSuffix($0)) }
        }
        // Whoever goes on behind it says something.
        return last.map { rest.count - $0 <= 3 } ?? false
    }
    private static let devices = [
        "sent from ", "sent via ", "sent with ", "sent by ", "sent using ", "get outlook", "envoyé de ",
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
