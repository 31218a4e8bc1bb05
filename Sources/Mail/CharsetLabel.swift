/// The name a message gives to its characters, as iconv knows it (WHATWG Encoding, section 4.2, and what mail programs
/// write besides).
enum CharsetLabel: Equatable {
    /// No name, one that says nothing, or one that nobody knows.
    case unnamed
    case utf8
    case named(String)

    init(_ label: String) {
        // `"ISO-8859-1";`, `iso_8859-1:1987` and `ISO 8859 1` are the same name: letters and digits count.
        let letters = label.lowercased().unicodeScalars.filter {
            $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil)
        }
        var key = String(String.UnicodeScalarView(letters.prefix(40)))
        self = Self.unnamed
        guard !key.isEmpty, !Self.saysNothing.contains(key) else { return }
        for prefix in ["x", "cs"] where Self.find(key) == nil && key.hasPrefix(prefix) {
            key = String(key.dropFirst(prefix.count))
        }
        if let found = Self.find(key) { self = found }
    }

    private static func find(_ key: String) -> CharsetLabel? {
        if let name = names[key] { return name == "UTF-8" ? .utf8 : .named(name) }
        // `cp-850`, `ibm850`, `windows1251`, `win-1251`, `dos866`, `codepage1252`, `1252`, `microsoft-cp1251`.
        let digits = key.reversed().prefix { $0.isNumber }.count
        let (words, number) = (key.dropLast(digits), key.suffix(digits))
        if pageWords.contains(String(words)), let page = pages[Int(number) ?? 0] {
            return page == "UTF-8" ? .utf8 : .named(page)
        }
        // `iso885915`, `88592`, with the year of its edition behind it.
        if let range = key.range(of: "8859"), key[..<range.lowerBound].isEmpty || key[..<range.lowerBound] == "iso" {
            let rest = key[range.upperBound...]
            for length in [2, 1] {
                guard let part = Int(rest.prefix(length)),
                    rest.count == length || rest.count == length + 4 || rest.dropFirst(length).allSatisfy(\.isLetter)
                else { continue }
                if let found = parts[part] { return .named(found) }
            }
            return .named("CP1252")
        }
        return nil
    }

    static func isDoubleByte(_ encoding: String) -> Bool { doubleByte.contains(encoding) }
    private static let doubleByte: Set<String> = [
        "CP932", "EUC-JP-MS", "GB18030", "BIG5-HKSCS", "UHC", "EUC-TW", "CP1361",
    ]

    private static let saysNothing: Set<String> = [
        "usascii", "ascii", "unknown8bit", "unknown", "xunknown", "default", "binary", "8bit", "7bit", "none", "null",
        "charset", "us", "ansix341968", "ansix341986", "iso646us", "csascii", "iso646irv1991", "isoir6", "cp367",
        "ibm367", "userdefined",
    ]
    private static let pageWords: Set<String> = [
        "", "cp", "ibm", "windows", "win", "dos", "codepage", "microsoftcp", "mscp", "xcp", "ansi", "ansicp", "pc",
        "ms", "xms", "oem", "xibm", "xwindows",
    ]
    private static let pages: [Int: String] = {
        var pages = [
            367: "CP1252", 819: "CP1252", 874: "CP874", 932: "CP932", 943: "CP932", 936: "GB18030", 949: "UHC",
            950: "BIG5-HKSCS", 1200: "UTF-16LE", 1201: "UTF-16BE", 1361: "CP1361",
            10000: "MACINTOSH", 10007: "MAC-CYRILLIC", 10029: "MAC-CENTRALEUROPE", 20127: "CP1252", 20866: "KOI8-R",
            21866: "KOI8-U", 28591: "CP1252", 28592: "ISO-8859-2", 28595: "ISO-8859-5",
            28597: "ISO-8859-7", 28599: "CP1254", 28605: "ISO-8859-15", 50220: "ISO-2022-JP", 50221: "ISO-2022-JP",
            50222: "ISO-2022-JP", 50225: "ISO-2022-KR", 51932: "EUC-JP-MS", 51936: "GB18030",
            51949: "UHC", 52936: "GB18030", 54936: "GB18030", 65000: "UTF-7", 65001: "UTF-8",
        ]
        for page in [437, 737, 775, 850, 851, 852, 855, 857, 858, 860, 861, 862, 863, 864, 865, 866, 869]
            + Array(1250...1258)
        { pages[page] = "CP\(page)" }
        return pages
    }()
    private static let parts: [Int: String] = {
        var parts: [Int: String] = [:]
        for part in [2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16] { parts[part] = "ISO-8859-\(part)" }
        // Browsers and mail programs read these as what Windows made of them.
        (parts[1], parts[9], parts[11]) = ("CP1252", "CP1254", "CP874")
        return parts
    }()

    /// Without what the rules above find.
    private static let names: [String: String] = {
        let lists: [String: String] = [
            "UTF-8": "utf8 unicode11utf8 unicode20utf8 xunicode20utf8 utf utf8mb4 utf8n unicode",
            "UTF-7": "utf7 unicode11utf7 unicode20utf7 xunicode20utf7 utf7imap csunicode11utf7",
            "UTF-16": "utf16 iso10646ucs2 ucs2 csunicode iso10646", "UTF-16LE": "utf16le unicodefeff ucs2le",
            "UTF-16BE": "utf16be unicodefffe ucs2be",
            "UTF-32": "utf32 ucs4 iso10646ucs4", "UTF-32LE": "utf32le ucs4le", "UTF-32BE": "utf32be ucs4be",
            "CP1252": "latin1 l1 isolatin1 isoir100 xansi ansi westerneuropean western",
            "ISO-8859-2": "latin2 l2 isolatin2 isoir101", "ISO-8859-3": "latin3 l3 isolatin3 isoir109",
            "ISO-8859-4": "latin4 l4 isolatin4 isoir110",
            "ISO-8859-5": "cyrillic isolatincyrillic isoir144",
            "ISO-8859-6": "arabic asmo708 ecma114 isolatinarabic isoir127 iso88596e iso88596i",
            "ISO-8859-7": "greek greek8 ecma118 elot928 isolatingreek isoir126 suneugreek",
            "ISO-8859-8": "hebrew isolatinhebrew isoir138 visual logical iso88598i iso88598e",
            "CP1254": "latin5 l5 isolatin5 isoir148 turkish", "ISO-8859-10": "latin6 l6 isolatin6 isoir157",
            "ISO-8859-13": "latin7 l7", "ISO-8859-14": "latin8 l8", "ISO-8859-15": "latin9 l9 latin0 isolatin9",
            "ISO-8859-16": "latin10 l10",
            "KOI8-R": "koi koi8 koi8r koi8ru8", "KOI8-U": "koi8u koi8ru", "KOI8-T": "koi8t",
            "MACINTOSH": "macintosh mac macroman", "MAC-CYRILLIC": "maccyrillic", "MAC-UK": "macukrainian",
            "MAC-CENTRALEUROPE": "maccentraleurope macce maceasteurope maccentraleurroman",
            "MAC-IS": "macicelandic", "CP1253": "macgreek", "CP1255": "machebrew", "CP1256": "macarabic",
            "CP874": "tis620 tis6200 tis6202533 thai thai8 isoir166 macthai",
            "CP932": "shiftjis sjis mskanji ms932 windows31j shiftjis2004 shiftjisx0213 macjapanese sjiswin xsjis",
            "EUC-JP-MS":
                """
            eucjp ujis eucjpms eucjpwin extendedunixcodepackedformatforjapanese eucpkdfmtjapanese \
            eucpkdfmtjapanse
            """,
            "ISO-2022-JP": "iso2022jp iso2022jp1 iso2022jp2 iso2022jp3 iso2022jpms jis jis7 jiscode",
            "GB18030":
                """
            gb18030 gb180302000 gb18030a gbk gb2312 gb231280 gb23121980 gb chinese cngb euccn gb_2312 \
            isoir58 iso58gb231280 macchinesesimp simplifiedchinese
            """,
            "HZ": "hz hzgb hzgb2312",
            "BIG5-HKSCS": "big5 big5hkscs bigfive cnbig5 xbig5 xxbig5 big5eten big5uao macchinesetrad",
            "EUC-TW": "euctw cns11643",
            "UHC":
                """
            euckr ksc5601 ksc56011987 ksc56011989 ksc5601198 korean isoir149 uhc cp949 ks_c_5601 ksx1001 \
            wansung mackorean
            """,
            "CP1361": "johab", "ISO-2022-KR": "iso2022kr", "ISO-2022-CN": "iso2022cn iso2022cnext",
            "ARMSCII-8": "armscii8", "GEORGIAN-PS": "georgianps", "TCVN5712-1": "tcvn tcvn5712 tcvn57121",
            "CP1258": "vietnamese viscii",
            "HP-ROMAN8": "hproman8 roman8 r8",
        ]
        return lists.reduce(into: [:]) { found, list in
            for name in list.value.split(separator: " ") { found[String(name.filter { $0 != "_" })] = list.key }
        }
    }()
}
