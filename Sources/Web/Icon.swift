import Markup

/// The drawings beside words and on small buttons. All stand in one file, which browsers keep.
enum Icon: String, CaseIterable {
    case alert, at, ban, bell, board, bold, book, chart, chat, check, chevron, clip, clock, code, details, down, eye,
        flame, folder, forward, gear, half, image, inbox, info, italic, left, link, lock, mail, menu, merge, moon, more,
        note, ol, out, plus, print, quote, reply, right, route, search, server, shield, snooze, star, sun, tag, ul, up,
        user, users, wave, x, zap

    /// Beside words, or on a button with a name of its own: nothing is read out.
    var html: HTML { Self.drawn[self] ?? "" }

    private static let drawn = Dictionary(
        uniqueKeysWithValues: allCases.map { icon -> (Icon, HTML) in
            let address = Assets.icons.path.text + "#i-" + icon.rawValue
            return (icon, "<svg class=\"icon\" aria-hidden=\"true\"><use href=\"\(address)\"></use></svg>")
        })
}

/// The mark before the desk's name. It is drawn in the page, so that it is there at once.
let logo: HTML =
    """
    <span class="logo" aria-hidden="true"><svg class="icon" viewBox="0 0 16 16">\
    <path d="M5 3.500v5.200a3 3 0 0 0 6 0V3.500"></path></svg></span>
    """
