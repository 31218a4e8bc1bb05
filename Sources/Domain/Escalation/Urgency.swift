import Primitives

/// Whether a request cannot wait, and why. Pure.
///
/// Words are evidence only where somebody claims it of this request: in their own new words, neither denied, asked
/// about, quoted, thanked for, past nor said of some other case. Where that is a guess, the request takes its turn: it
/// is shown, but nobody is woken.
package enum Urgency {
    /// What a requester wrote that is read for it.
    package struct Words: Sendable {
        package let subject: String
        package let body: String
        package init(subject: String, body: String) {
            self.subject = subject
            self.body = body
        }
    }

    /// The reason a request is escalated at once; nil for one that takes its turn.
    package static func recognise(priority: Priority, topic: Topic?, text: Words, words: [String]) -> String? {
        if let topic, topic.escalates { return "the topic “\(topic.name)” is set to escalate immediately" }
        if priority == .urgent { return "the priority is urgent" }
        let wanted = words.map { (word: $0, run: Primitives.Words.split($0)) }.filter { !$0.run.isEmpty }
        // Most requests have none of the words; only the others are read sentence by sentence.
        let present = Set(Primitives.Words.split(text.subject) + Primitives.Words.split(text.body.cut(to: most)))
        guard wanted.contains(where: { $0.run.allSatisfy { mayContain($0, present) } }) else { return nil }
        for (place, written) in [("subject", text.subject), ("message", newWords(text.body))] {
            for sentence in UrgencySentence.split(written) {
                for (word, run) in wanted where sentence.claims(run) {
                    return "the \(place) contains “\(word)”, which is on the list of urgent words: “\(sentence.shown)”"
                }
            }
        }
        return nil
    }

    /// Whether a sentence may have the word. A contracted negation is read as one word: "isnt" for "isn't".
    private static func mayContain(_ word: String, _ present: Set<String>) -> Bool {
        present.contains(word) || word.hasSuffix("t") && present.contains(String(word.dropLast()))
    }

    /// Characters of a message that are read for it.
    private static let most = 20_000

    /// A message without the lines it quotes, what stands below its signature mark (RFC 3676, section 4.3) and a
    /// message it carries along.
    static func newWords(_ body: String) -> String {
        var kept: [Substring] = []
        let lines = body.prefix(most).split(separator: "\n", omittingEmptySubsequences: false)
        var headers = 0
        for line in lines {
            let words = line.drop { $0.isWhitespace }
            if words.hasPrefix(">") || words.hasPrefix("|") { continue }
            let bare = words.reversed().drop { $0.isWhitespace }.reversed()
            if bare.elementsEqual("--") { break }
            // "-----Original Message-----", "________________", in whatever language.
            if bare.count > 9, bare.prefix(4).allSatisfy({ "-_—=".contains($0) }),
                bare.suffix(4).allSatisfy({ "-_—=".contains($0) })
            {
                break
            }
            headers = isHeader(words) ? headers + 1 : 0
            kept.append(line)
            if headers == 3 {
                kept.removeLast(3)
                break
            }
        }
        return kept.joined(separator: "\n")
    }

    /// `From: …`, `Gesendet: …`: one word, a colon and a value; three of them in a row begin a message that was carried
    /// along, if one of them has an address.
    private static func isHeader(_ line: Substring) -> Bool {
        guard let colon = line.prefix(24).firstIndex(of: ":"), colon > line.startIndex,
            !line[..<colon].contains(where: \.isWhitespace)
        else { return false }
        let behind = line.index(after: colon)
        return behind < line.endIndex && line[behind].isWhitespace && line[behind...].contains { !$0.isWhitespace }
    }
}

/// One sentence, cut into words and what stands between them.
private struct UrgencySentence {
    struct Token {
        let word: String
        /// A comma, colon, dash or bracket stands before it: another clause begins.
        var startsClause: Bool
        var isQuoted: Bool
        /// "isn't", "doesn't": a negation; "can't" denies an ability and no urgency.
        var isContracted: Bool
    }
    let tokens: [Token]
    let isQuestion: Bool
    let shown: String

    /// Sentences end at full stops and at line ends, except where a long line is only wrapped.
    static func split(_ text: String) -> [UrgencySentence] {
        var sentences: [UrgencySentence] = []
        var tokens: [Token] = []
        var word = ""
        var shown = ""
        var isClause = true
        var isQuoted = false
        var length = 0
        func isApostrophe(_ character: Character) -> Bool { character == "'" || character == "’" || character == "ʼ" }
        func finishWord() {
            defer { word = "" }
            while let last = word.last, isApostrophe(last) { word.removeLast() }
            guard !word.isEmpty else { return }
            let contracted =
                word.count > 3 && word.lowercased().hasSuffix("t")
                && isApostrophe(word[word.index(word.endIndex, offsetBy: -2)])
                && "nN".contains(word[word.index(word.endIndex, offsetBy: -3)])
            for part in contracted
                ? [word.filter { !isApostrophe($0) }] : word.split(whereSeparator: isApostrophe).map(String.init)
            {
                for folded in Primitives.Words.split(part) {
                    tokens.append(
                        Token(word: folded, startsClause: isClause, isQuoted: isQuoted, isContracted: contracted))
                    isClause = false
                }
            }
        }
        func finishSentence(isQuestion: Bool = false) {
            finishWord()
            if !tokens.isEmpty {
                sentences.append(
                    UrgencySentence(
                        tokens: tokens, isQuestion: isQuestion, shown: String(shown.trimmingWhitespace().prefix(120))))
            }
            (tokens, shown, isClause, isQuoted) = ([], "", true, false)
        }
        var previous: Character = " "
        for character in text {
            length += 1
            switch character {
            case "?", "？", "؟": finishSentence(isQuestion: true)
            case ".", "!", "…", "。", "！", "¡", "¿": finishSentence()
            case "\n", "\r\n", "\r":
                if length < 50 || previous == "\n" { finishSentence() } else { finishWord() }
                if !shown.isEmpty { shown.append(" ") }
                length = 0
            case ",", ";", ":", "–", "—", "(", ")", "[", "]", "/", "|", "，", "：", "；":
                finishWord()
                isClause = true
                shown.append(character)
            case "\"", "“", "”", "„", "«", "»", "‚", "‘", "`":
                finishWord()
                isQuoted.toggle()
                shown.append(character)
            case _ where character.isLetter || character.isNumber || isApostrophe(character) && !word.isEmpty:
                word.append(character)
                shown.append(character)
            default:
                // " - " parts clauses, "non-urgent" does not.
                if character == "-", previous == " " || previous == "-" { isClause = true }
                finishWord()
                shown.append(character)
            }
            previous = character.isNewline ? "\n" : character
        }
        finishSentence()
        return sentences
    }

    // The small words by which six languages deny, ask, thank and suppose: they are grammar, and where one is missing
    // the request is escalated.
    private static let denials: Set<String> = [
        "not", "no", "non", "never", "nothing", "none", "neither", "nor", "without", "hardly", "less", "low", "zero",
        "nicht", "nichts", "kein", "keine", "keinen", "keiner", "keinem", "keinerlei", "keineswegs", "nie", "niemals",
        "weder", "ohne", "weniger", "kaum",
        "pas", "aucun", "aucune", "jamais", "rien", "sans", "ni", "moins", "nullement", "nada", "sin", "nunca", "jamas",
        "ningun", "ninguna", "tampoco", "menos",
        "nao", "sem", "nenhum", "nenhuma", "jamais", "niet", "geen", "nooit", "niets", "zonder", "minder",
    ]
    private static let abilities: Set<String> = ["cant", "wont", "couldnt", "cannot"]
    /// "not only urgent but …" says that it is.
    private static let onlys: Set<String> = [
        "only", "just", "merely", "nur", "bloss", "seulement", "solo", "solamente", "apenas", "alleen", "slechts",
    ]
    /// A clause of its own begins here, so that "not" before it denies something else.
    private static let turns: Set<String> = [
        "is", "it", "this", "please", "but", "help", "ist", "bitte", "aber", "hilfe", "mais", "pero", "mas", "maar",
        "because", "since", "weil", "asap",
    ]
    private static let opinions: Set<String> = [
        "think", "believe", "say", "said", "consider", "call", "suppose", "feel", "mean", "sure", "treat", "treated",
        "regard", "handle", "handled", "mark", "marked", "deem", "behandeln", "betrachten", "ansehen", "einstufen",
        "traitez", "traiter", "considerez", "traten", "tratar", "glaube", "glauben",
        "denke", "denken", "meine", "meinen", "finde", "finden",
        "pense", "pensons", "crois", "croyons", "creo", "creemos", "pienso", "considero", "acho", "achamos", "penso",
        "denk", "geloof", "vind", "vinden",
    ]
    private static let fillers: Set<String> = [
        "it", "is", "this", "that", "its", "s", "at", "all", "really", "es", "ist", "das", "dies", "est", "ce", "c",
        "n", "e", "isso", "het", "dit", "dat", "uberhaupt", "wirklich", "du", "tout", "en", "absoluto",
    ]
    private static let refusals: Set<String> = [
        "no", "none", "non", "nein", "keine", "nao", "nee", "false", "never", "low", "niedrig",
    ]
    private static let conditions: Set<String> = [
        "if", "when", "whenever", "unless", "whether", "for", "falls", "wenn", "ob", "bei", "fur", "sofern", "si",
        "quand", "lorsque", "cuando", "para", "se", "quando", "indien", "als", "wanneer", "voor", "bij", "pour", "case",
        "cas", "caso", "falle",
    ]
    private static let questions: Set<String> = [
        "what", "which", "how", "whether", "why", "was", "welche", "wie", "warum", "quoi", "quel", "quelle", "comment",
        "que", "cual", "como", "qual", "wat", "welke", "hoe",
    ]
    private static let requests: Set<String> = [
        "can", "could", "would", "will", "please", "kannst", "konnt", "konnen", "konnten", "konntest", "bitte",
        "pouvez", "pourriez", "peux", "puede", "pueden", "puedes", "podria", "pode", "podem", "podes", "kunt", "kunnen",
        "kan", "help",
    ]
    private static let thanks: Set<String> = [
        "thanks", "thank", "danke", "dank", "vielen", "merci", "gracias", "obrigado", "obrigada", "bedankt",
    ]
    private static let pasts: Set<String> = [
        "was", "were", "wasnt", "war", "waren", "etait", "fue", "era", "eran", "foi", "eram",
    ]
    /// Behind "emergency", what makes it a claim rather than the name of a thing, as in "emergency exit".
    private static let behindNoun: Set<String> = [
        "help", "please", "in", "at", "on", "here", "now", "with", "and", "as", "because", "since", "situation", "we",
        "i", "our", "my", "need", "needed", "the", "all", "everything", "server", "outage", "is", "has", "nothing",
        "no", "cannot", "cant", "again", "today", "this", "for", "so", "by",
    ]
    private static let nouns: Set<String> = ["emergency"]
    private static let ofNoun: Set<String> = ["d", "de", "des", "da", "do", "del"]
    private static let nounsOf: Set<String> = [
        "urgence", "urgences", "emergencia", "urgencia", "emergencias", "urgencias",
    ]
    /// A walk-in clinic.
    private static let names: [[String]] = [["urgent", "care"]]

    /// Whether the sentence says so of the request it stands in.
    func claims(_ run: [String]) -> Bool {
        guard run.count <= tokens.count else { return false }
        return (0...(tokens.count - run.count)).contains { start in
            let range = start..<(start + run.count)
            return zip(tokens[range], run).allSatisfy { $0.word == $1 }
                && !tokens[range].dropFirst().contains { $0.startsClause } && isClaim(at: range)
        }
    }

    private func isClaim(at range: Range<Int>) -> Bool {
        !(isQuoted(range) || isName(range) || isDenied(range) || isAsked(range) || isSupposed(range) || isThanked(range)
            || isPast(range))
    }

    private func isQuoted(_ range: Range<Int>) -> Bool {
        tokens[range.lowerBound].isQuoted && tokens.count > range.count
    }

    private func isName(_ range: Range<Int>) -> Bool {
        let words = tokens[range].map(\.word)
        let next =
            range.upperBound < tokens.count && !tokens[range.upperBound].startsClause
            ? tokens[range.upperBound].word : nil
        if let next, Self.names.contains(words + [next]) { return true }
        guard words.count == 1 else { return false }
        if Self.nouns.contains(words[0]), let next { return !Self.behindNoun.contains(next) }
        return Self.nounsOf.contains(words[0]) && range.lowerBound > 1
            && Self.ofNoun.contains(tokens[range.lowerBound - 1].word)
            && !Self.denials.contains(tokens[range.lowerBound - 2].word)
            && !["cas", "caso"].contains(tokens[range.lowerBound - 2].word)
    }

    private func isDenial(_ index: Int) -> Bool {
        let token = tokens[index]
        if Self.abilities.contains(token.word) { return false }
        return token.isContracted || Self.denials.contains(token.word)
    }

    private func isDenied(_ range: Range<Int>) -> Bool {
        // Before it, in the same clause, with no turn between.
        var index = range.lowerBound
        while index > 0, range.lowerBound - index < 4, !tokens[index].startsClause {
            index -= 1
            if isDenial(index) { return !(index + 1 < range.lowerBound && Self.onlys.contains(tokens[index + 1].word)) }
            if Self.turns.contains(tokens[index].word) { break }
        }
        // "I do not think that this is urgent", over a comma as well.
        for index in tokens.indices where index < range.lowerBound && range.lowerBound - index <= 9 && isDenial(index) {
            let near = tokens[max(0, index - 2)..<min(tokens.count, index + 3)]
            if near.contains(where: { Self.opinions.contains($0.word) }) { return true }
        }
        // Behind it: "urgent it is not", "Urgent: no".
        var behind = range.upperBound
        if behind < tokens.count, Self.refusals.contains(tokens[behind].word), behind == tokens.count - 1 {
            return true
        }
        while behind < tokens.count, !tokens[behind].startsClause, Self.fillers.contains(tokens[behind].word) {
            behind += 1
        }
        guard behind < tokens.count, !tokens[behind].startsClause, isDenial(behind) else { return false }
        return tokens[(behind + 1)...].prefix { !$0.startsClause }.allSatisfy { Self.fillers.contains($0.word) }
    }

    private func isAsked(_ range: Range<Int>) -> Bool {
        let before = tokens[..<range.lowerBound]
        if before.suffix(3).contains(where: { Self.questions.contains($0.word) }) { return true }
        guard isQuestion else { return false }
        if before.contains(where: { Self.questions.contains($0.word) }) { return true }
        // A clause of its own before the question itself: "Urgent: can you come?"
        if range.upperBound < tokens.count, tokens[range.upperBound].startsClause { return false }
        return !tokens.contains { Self.requests.contains($0.word) }
    }

    private func isSupposed(_ range: Range<Int>) -> Bool {
        var index = range.lowerBound
        while index > 0, range.lowerBound - index < 4, !tokens[index].startsClause {
            index -= 1
            let word = tokens[index].word
            if Self.conditions.contains(word) { return true }
            if ["in", "im"].contains(word) {
                // "In an emergency", but not "we are in an emergency", nor "I can't log in this is urgent".
                if index == 0 || tokens[index].startsClause { return true }
                let isState = ["are", "am", "is", "re", "m", "sind", "bin"].contains(tokens[index - 1].word)
                return !isState
                    && ["a", "an", "any", "case", "einem", "einer", "falle"].contains(tokens[index + 1].word)
            }
        }
        return false
    }

    private func isThanked(_ range: Range<Int>) -> Bool {
        tokens[..<range.lowerBound].suffix(6).contains { Self.thanks.contains($0.word) }
            && !tokens[range.lowerBound].startsClause
    }
    private func isPast(_ range: Range<Int>) -> Bool {
        tokens[..<range.lowerBound].suffix(3).contains { Self.pasts.contains($0.word) }
    }
}
