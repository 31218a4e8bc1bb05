import Desk
import Domain
import Hummingbird
import Markup

/// Where an agent works: a list, a search or a saved view, its order, and the page of it. Every address of the
/// workspace that leads to a ticket, and every form on a ticket's page, carries it behind its `?`, so that no action
/// loses the place.
struct ListPosition: Sendable, Equatable {
    enum Source: Sendable, Equatable {
        case list(WorkList)
        /// What is searched for, as it was typed.
        case search(String)
        case view(SavedView.ID)
    }
    let source: Source
    /// Nil is the list's or the view's own order.
    var order: TicketOrder?
    /// Where the page begins; nil is the first.
    var cursor: TicketCursor?

    /// A search longer than this is not carried along.
    private static let longestSearch = 500

    init(_ source: Source, order: TicketOrder? = nil, cursor: TicketCursor? = nil) {
        self.source = source
        self.order = order
        self.cursor = cursor
    }

    /// Reads what an address says behind its `?`; nil where it says no list or none there is.
    init?(_ value: (String) -> String?) {
        if let list = value("list").flatMap({ WorkList(rawValue: $0) }) {
            source = .list(list)
        } else if let view = value("view").flatMap({ Int64($0) }), view > 0 {
            source = .view(SavedView.ID(view))
        } else if let query = value("query"), query.utf8.count <= Self.longestSearch {
            source = .search(query)
        } else {
            return nil
        }
        order = value("sort").flatMap { TicketOrder(rawValue: $0) }
        cursor = value("cursor").flatMap { try? TicketCursor(parsing: $0) }
    }

    var search: String? { if case .search(let text) = source { text } else { nil } }
    var list: WorkList? { if case .list(let list) = source { list } else { nil } }
    var view: SavedView.ID? { if case .view(let id) = source { id } else { nil } }
    /// Nil where the view itself says it.
    var usualOrder: TicketOrder? {
        switch source {
        case .list(let list): list.order
        case .search: .newest
        case .view: nil
        }
    }

    /// What follows the `?`: only what differs from the usual.
    var query: [(String, String)] {
        var pairs: [(String, String)] = []
        switch source {
        case .list(let list): pairs.append(("list", list.rawValue))
        case .search(let text): pairs.append(("query", text))
        case .view(let id): pairs.append(("view", id.description))
        }
        return pairs + page
    }
    /// The order and the page of it.
    private var page: [(String, String)] {
        var pairs: [(String, String)] = []
        if let order, order != usualOrder { pairs.append(("sort", order.rawValue)) }
        if let cursor { pairs.append(("cursor", cursor.text)) }
        return pairs
    }

    /// The list's own page.
    var path: Path { path() }
    func path(_ more: [(String, String)] = []) -> Path {
        switch source {
        case .list: Path(["desk"], query: query + more)
        case .search: Path(["desk", "search"], query: query + more)
        case .view(let id): Path(["desk", "views", id.description], query: page + more)
        }
    }
    /// Where in the workspace it is.
    var place: Place {
        switch source {
        case .list(let list): .list(list)
        case .search: .search
        case .view(let id): .view(id)
        }
    }
}

extension Call {
    /// The only place where a position is read.
    var position: ListPosition? { ListPosition { query($0) } }
}

extension DeskFrame {
    /// The name of a list, a search or a view, as a heading or behind an arrow back.
    func title(of position: ListPosition) -> String {
        switch position.source {
        case .list(let list): t.list(list)
        case .search: t("Search")
        case .view(let id): views[id]?.name ?? t("View")
        }
    }
}

func listPath(_ list: WorkList) -> Path { listPaths[list] ?? Path("desk") }
private let listPaths = Dictionary(
    uniqueKeysWithValues: WorkList.allCases.map { ($0, Path("desk", query: [("list", $0.rawValue)])) })

/// A ticket's page, with the place it was opened from.
func ticketPath(_ number: Int64, at position: ListPosition? = nil, _ more: [(String, String)] = []) -> Path {
    Path("desk", "tickets", String(number), query: (position?.query ?? []) + more)
}

/// Something below a ticket's page: a form, an action, a draft.
func partPath(_ number: Int64, _ parts: String..., at position: ListPosition?, _ more: [(String, String)] = []) -> Path
{
    Path(["desk", "tickets", String(number)] + parts, query: (position?.query ?? []) + more)
}

/// The ticket that comes next in the list, after one that may have left it.
///
/// - Parameter cursor: where the former ticket stood in the list before it was changed.
func nextPath(_ position: ListPosition, after cursor: TicketCursor?, not number: Int64, said: String? = nil) -> Path {
    let rest = [cursor.map { ("after", $0.text) }, ("not", String(number)), said.map { ("said", $0) }].compactMap { $0 }
    return Path("desk", "next", query: position.query + rest)
}
