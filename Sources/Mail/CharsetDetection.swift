import CGMime
import CUchardet

/// Which characters bytes are that nothing names, or whose name does not fit them.
///
/// Each likely encoding is tried on a sample and judged by how the text would look: letters of one script, capitals
/// where capitals stand, accents of one language. What uchardet says, what the label says and what other parts of the
/// message are called weigh in.
struct CharsetDetection {
    /// As iconv knows it.
    let encoding: String
    private static let mostBytes = 2048

    init(_ bytes: [UInt8], hints: [String], labelled: String?) {
        let sample = Self.sample(bytes)
        let highBytes = sample.count { $0 >= 0x80 }
        let guess = Self.uchardet(sample)
        let hinted = hints.compactMap { hint -> String? in
            if case .named(let encoding) = CharsetLabel(hint) { encoding } else { nil }
        }
        var best = (score: -Double.infinity, encoding: labelled ?? "CP1252")
        var tried = Self.candidates
        for other in hinted + [labelled].compactMap({ $0 }) where !tried.contains(where: { $0.encoding == other }) {
            tried.append((other, -0.05))
        }
        for (encoding, prior) in tried {
            guard let text = Charset.convert(sample[...], from: encoding) else { continue }
            let scalars = Array(text.unicodeScalars)
            var score = prior + TextLikelihood(scalars).score
            // Japanese has kana between its Han characters; without them the rows of others fit as well.
            if encoding == "EUC-JP-MS" || encoding == "CP932",
                !scalars.contains(where: { (0x3040..<0x3100).contains($0.value) })
            {
                score -= 0.3
            }
            if CharsetLabel.isDoubleByte(encoding) { score -= 1 - Self.commonRows(sample, encoding) }
            if guess == encoding { score += min(Self.isLatin(encoding) ? 0.25 : 0.6, 0.15 + Double(highBytes) * 0.01) }
            if hinted.contains(encoding) { score += 0.4 }
            // A label is believed as long as the text is one at all; windows-1252 is what programs write that do not
            // know.
            if labelled == encoding { score += encoding == "CP1252" ? 0.9 : 1.2 }
            if score > best.score { best = (score, encoding) }
        }
        encoding = best.encoding
    }

    private static let candidates: [(encoding: String, prior: Double)] = [
        ("CP1252", 0.12), ("CP1250", 0.05), ("ISO-8859-2", 0), ("CP1251", 0.06), ("KOI8-U", 0.02), ("KOI8-R", 0.03),
        ("ISO-8859-5", 0), ("CP866", 0), ("MAC-CYRILLIC", -0.05),
        ("CP1253", 0.05), ("ISO-8859-7", 0.02), ("CP1255", 0.04), ("ISO-8859-8", 0), ("CP1256", 0.04),
        ("ISO-8859-6", 0), ("CP874", 0.03), ("CP1254", 0.02), ("CP1257", 0),
        ("MACINTOSH", -0.2), ("CP850", -0.2), ("CP437", -0.22), ("CP852", -0.22), ("ISO-8859-15", -0.02),
        ("CP932", 0.05), ("EUC-JP-MS", 0.05), ("GB18030", 0.03), ("BIG5-HKSCS", 0.02), ("UHC", 0.03),
    ]
    private static func isLatin(_ encoding: String) -> Bool {
        ["CP1252", "CP1250", "ISO-8859-2", "CP1254", "CP1257", "ISO-8859-15", "CP850", "CP852", "MACINTOSH"].contains(
            encoding)
    }

    /// Lines that hold more than ASCII, up to the limit.
    private static func sample(_ bytes: [UInt8]) -> [UInt8] {
        if bytes.count <= mostBytes { return bytes }
        var sample: [UInt8] = []
        for line in bytes.prefix(1 << 20).split(separator: 10) where line.contains(where: { $0 >= 0x80 }) {
            sample += line.prefix(mostBytes - sample.count)
            sample.append(10)
            if sample.count >= mostBytes { break }
        }
        return sample
    }

    private static func uchardet(_ bytes: [UInt8]) -> String? {
        guard let detector = uchardet_new() else { return nil }
        defer { uchardet_delete(detector) }
        let code = bytes.withUnsafeBytes {
            uchardet_handle_data(detector, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
        }
        guard code == 0 else { return nil }
        uchardet_data_end(detector)
        guard case .named(let encoding) = CharsetLabel(MessageReader.string(uchardet_get_charset(detector))) else {
            return nil
        }
        return encoding
    }

    /// The share of pairs in the rows of common characters: the standards sort them first.
    private static func commonRows(_ bytes: [UInt8], _ encoding: String) -> Double {
        var (index, pairs, common) = (0, 0, 0)
        while index < bytes.count {
            let lead = bytes[index]
            guard lead >= 0x80 else {
                index += 1
                continue
            }
            pairs += 1
            if encoding == "CP932", (0xA1...0xDF).contains(lead) {
                index += 1
                continue
            }
            let trail = index + 1 < bytes.count ? bytes[index + 1] : 0
            let isCommon =
                switch encoding {
                case "GB18030": trail >= 0xA1 && ((0xB0...0xD7).contains(lead) || lead == 0xA1 || lead == 0xA3)
                case "BIG5-HKSCS": (0xA4...0xC6).contains(lead) || lead == 0xA1
                case "UHC": trail >= 0xA1 && ((0xB0...0xC8).contains(lead) || lead == 0xA1 || lead == 0xA3)
                case "EUC-JP-MS": (0xB0...0xCF).contains(lead) || [0xA1, 0xA3, 0xA4, 0xA5].contains(lead)
                case "CP932": (0x81...0x83).contains(lead) || (0x88...0x97).contains(lead)
                default: true
                }
            if isCommon { common += 1 }
            index += 2
        }
        return pairs == 0 ? 0 : Double(common) / Double(pairs)
    }
}

/// How much letters beyond ASCII look like somebody's text: about 1 where they do, below 0 where they do not.
struct TextLikelihood {
    let score: Double

    private enum Script { case latin, greek, cyrillic, hebrew, arabic, thai, kana, han, hangul, other }

    init(_ scalars: [Unicode.Scalar]) {
        var (sum, count) = (0.0, 0)
        var (hasKana, hasHan, hasHangul, hasHalfKana) = (false, false, false, false)
        var accents: [Unicode.Scalar] = []
        for index in scalars.indices where scalars[index].value >= 0x80 {
            let scalar = scalars[index]
            let script = Self.script(scalar)
            count += 1
            sum += Self.value(
                scalar, script, index > 0 ? scalars[index - 1] : " ",
                index + 1 < scalars.count ? scalars[index + 1] : " ")
            switch script {
            case .kana: hasKana = true
            case .han: hasHan = true
            case .hangul: hasHangul = true
            case .latin: if scalar.properties.isAlphabetic { accents.append(Self.small(scalar)) }
            default: if (0xFF61...0xFF9F).contains(scalar.value) { hasHalfKana = true }
            }
        }
        guard count > 0 else {
            score = 0
            return
        }
        var score = sum / Double(count)
        if hasHangul, hasHan { score -= 0.4 }
        if hasHalfKana, !hasKana, hasHan { score -= 0.3 }
        self.score = score + Self.coherence(accents)
    }

    /// A text has the accents of one language.
    private static func coherence(_ accents: [Unicode.Scalar]) -> Double {
        guard !accents.isEmpty else { return 0 }
        return languages.map { language in
            Double(accents.count { language.letters.contains($0) }) / Double(accents.count) * 0.5 + language.weight
        }.max().map { $0 - 0.5 } ?? 0
    }

    private static func value(
        _ scalar: Unicode.Scalar, _ script: Script, _ before: Unicode.Scalar, _ after: Unicode.Scalar
    ) -> Double {
        if scalar == "\u{FFFD}" || scalar.value < 0xA0 { return -4 }
        switch script {
        case .kana: return 1.2
        case .han, .hangul: return isASCIILetter(before) || isASCIILetter(after) ? -0.4 : 0.8
        default: break
        }
        if (0x3000...0x303F).contains(scalar.value) || (0xFF01...0xFF5E).contains(scalar.value) { return 0.9 }
        if (0xFF61...0xFF9F).contains(scalar.value) { return -0.5 }
        let (isAfterLetter, isBeforeLetter) = (before.properties.isAlphabetic, after.properties.isAlphabetic)
        let category = scalar.properties.generalCategory
        let isMark = category == .nonspacingMark || category == .spacingMark
        guard scalar.properties.isAlphabetic || isMark else {
            guard punctuation.contains(scalar) else { return -1 }
            if isAfterLetter, isBeforeLetter, !["’", "´", "·", "\u{A0}"].contains(scalar) { return -1.2 }
            return ["²", "³", "½", "±", "¿", "¡", "‚", "‹", "›"].contains(scalar) ? 0.2 : 0.5
        }
        let isCapital = scalar.properties.isUppercase
        if isCapital, before.properties.isLowercase { return -1.5 }
        if let order = frequent[script] {
            if isASCIILetter(before) || isASCIILetter(after) { return -1.5 }
            guard let place = order[small(scalar)] else { return -0.3 }
            return (place < 12 ? 1 : place < 24 ? 0.7 : 0.4) - (isCapital ? 0.15 : 0)
        }
        guard script == .latin else { return -0.8 }
        if isAfterLetter && Self.script(before) != .latin || isBeforeLetter && Self.script(after) != .latin {
            return -1.5
        }
        var value = known.contains(small(scalar)) ? 0.6 : -0.4
        if isCapital, isAfterLetter, !before.properties.isUppercase { value -= 1 }
        // Three accents in a row.
        if isAfterLetter, isBeforeLetter, before.value >= 0x80, after.value >= 0x80 { value -= 0.6 }
        return value
    }

    private static func isASCIILetter(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII && scalar.properties.isAlphabetic
    }
    private static func small(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        scalar.properties.lowercaseMapping.unicodeScalars.first ?? scalar
    }

    private static func script(_ scalar: Unicode.Scalar) -> Script {
        switch scalar.value {
        case 0..<0x250, 0x1E00..<0x1F00: .latin
        case 0x370..<0x400, 0x1F00..<0x2000: .greek
        case 0x400..<0x530: .cyrillic
        case 0x590..<0x600: .hebrew
        case 0x600..<0x700, 0xFB50..<0xFE00: .arabic
        case 0xE00..<0xE80: .thai
        case 0x3040..<0x3100: .kana
        case 0x4E00..<0xA000: .han
        case 0xAC00..<0xD7A4: .hangul
        default: .other
        }
    }

    /// Letters from the most frequent on.
    private static let frequent: [Script: [Unicode.Scalar: Int]] = [
        .cyrillic: "оеаинтсрвлкмдпуяыьбгзчйхжшюцщэфъёіїєґў", .greek: "αοιετσνηυρπκμλςωγδθχφβξζψάέήίόύώ",
        .arabic: "اليمنوترةبعدفهسقكحجأشصىخإذطئزءغثضظؤآًپچ", .hebrew: "יוהלאבתמרשנםדעקחטפכןסזגצךףץ",
        .thai:
            """
        านรอกเงมยลวดทตสปะบคใ\u{0E31}พหจี\u{0E35}แ\u{0E34}ขไช\u{0E48}\u{0E37}\u{0E49}\u{0E33}\u{0E39}ผ\u{0E38}ถ\u{0E4A}\u{0E4B}\u{0E47}\u{0E4C}ซญณธศฟษโ
        """,
    ].mapValues { letters in
        letters.unicodeScalars.enumerated().reduce(into: [:]) { found, letter in
            if found[letter.element] == nil { found[letter.element] = letter.offset }
        }
    }

    /// The accents of Europe's languages and of Vietnamese; a weight says how often they meet us.
    private static let languages: [(letters: Set<Unicode.Scalar>, weight: Double)] = [
        ("äöüß", 0.1), ("éèàçêâîôûëïœùæ", 0.1), ("ñóíáúéüºª", 0.1), ("ãõçáéíóúâêôàüºª", 0.08), ("åäöé", 0.1),
        ("æøåé", 0.1), ("áéíóúýþæöð", 0.03), ("àèéìòùí", 0.08), ("éëïóüöáè", 0.05),
        ("ąćęłńóśźż", 0.07), ("áčďéěíňóřšťúůýž", 0.07), ("áäčďéíľĺňóôŕšťúýž", 0.02), ("áéíóöőúüű", 0.07),
        ("ăâîşţ", 0.05), ("ăâîșț", 0.05), ("čćđšž", 0.06), ("çğıöşüiâ", 0.07),
        ("ąčęėįšųūž", 0.03), ("āčēģīķļņšūž", 0.03), ("äõöüšž", 0.02), ("ăâđêôơưáàạảãéèíìóòúùý", 0),
    ].map { (Set($0.0.unicodeScalars), $0.1) }
    private static let known = languages.reduce(into: Set<Unicode.Scalar>()) { $0.formUnion($1.letters) }
    private static let punctuation: Set<Unicode.Scalar> = Set("’‘“”„–—…€£§«»©®°•™·´\u{A0}¿¡‚‹›±²³½№".unicodeScalars)
}
