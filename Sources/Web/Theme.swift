import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Markup

/// Whether pages are light or dark: as the reader chose in this browser, else as the system is.
enum Theme: String, CaseIterable, Sendable {
    case light, dark, system

    private static let cookie = "usher_theme"
    private static let lifetime = 365 * 86400

    static var routes: [Route] { [.post("/theme", for: .anyone, choose)] }

    init(_ request: Request, _ desk: Desk) {
        self = Cookies.value(Self.cookie, in: request, desk).flatMap { Theme(rawValue: $0) } ?? .system
    }

    /// What the page's root says; nothing where the system decides.
    var attribute: HTML? {
        switch self {
        case .light: " data-theme=\"light\""
        case .dark: " data-theme=\"dark\""
        case .system: nil
        }
    }

    private var icon: Icon {
        switch self {
        case .light: .sun
        case .dark: .moon
        case .system: .half
        }
    }

    private func name(_ t: Language) -> String {
        switch self {
        case .light: t("Light")
        case .dark: t("Dark")
        case .system: t("System")
        }
    }

    /// A press chooses at once; a script does the same without loading the page anew.
    @Sendable private static func choose(_ call: Call) async throws -> Response {
        let form = try await call.form()
        let chosen = form["theme"].flatMap { Theme(rawValue: $0) } ?? .system
        var response = Page.see(Call.safe(form["from"]) ?? "/")
        let lasting = chosen == .system ? 0 : lifetime
        response.set(cookie, chosen.rawValue, lasting: lasting, call.desk)
        return response
    }

    /// The three buttons.
    ///
    /// - Parameter path: the page they stand on, to come back to.
    static func form(_ frame: Frame, from path: Path) -> HTML {
        let t = frame.t
        let buttons: [HTML] = allCases.map { theme in
            let pressed: HTML = theme == frame.theme ? "true" : "false"
            return """
                <button name="theme" value="\(theme.rawValue)" aria-pressed="\(pressed)" title="\(theme.name(t))">\
                \(theme.icon.html)<span class="unseen">\(theme.name(t))</span></button>
                """
        }
        return """
            <form class="theme" method="post" action="\(href: Path("theme"))" data-theme-form \
            aria-label="\(t("Appearance"))"><input type="hidden" name="csrf" value="\(frame.csrf)">\
            <input type="hidden" name="from" value="\(path.text)">\(buttons)</form>
            """
    }
}
