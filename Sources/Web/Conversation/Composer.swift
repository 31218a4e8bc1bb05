import Desk
import Domain
import Foundation
import Markup

/// Where an agent writes: a reply or a note, each with a box of its own, so that one never becomes the other.
func composer(_ desk: DeskFrame, _ view: TicketView, _ notice: TicketNotice) -> HTML? {
    guard desk.works, ![.merged, .spam, .deleted].contains(view.ticket.state) else { return nil }
    let t = desk.t
    let isNote =
        notice.typed?.kind == .note || (notice.typed == nil && view.drafts[.reply] == nil && view.drafts[.note] != nil)
    let (reply, note): (HTML?, HTML?) = isNote ? (nil, " checked") : (" checked", nil)
    return """
        <section class="composer" aria-label="\(t("Write"))"><div class="row spread">\
        <div class="tabs row" role="radiogroup" aria-label="\(t("What you write"))">\
        <input type="radio" name="writing" id="tab-reply" class="unseen"\(reply) data-key="r m">\
        <label for="tab-reply">\(t("Reply"))</label>\
        <input type="radio" name="writing" id="tab-note" class="unseen"\(note) data-key="n">\
        <label for="tab-note">\(t("Note"))</label></div>\
        <span class="small quiet" data-kept aria-live="polite">\(kept(view, t))</span></div>\
        \(box(.reply, desk, view, notice))\(box(.note, desk, view, notice))</section>
        """
}

private func kept(_ view: TicketView, _ t: Language) -> HTML? {
    guard let last = view.drafts.values.map(\.savedAt).max() else { return nil }
    return "\(t("Draft saved")) \(moment(last))"
}

private func box(_ kind: Entry.Kind, _ desk: DeskFrame, _ view: TicketView, _ notice: TicketNotice) -> HTML {
    let t = desk.t
    let ticket = view.ticket
    let typed = notice.typed?.kind == kind ? notice.typed?.body : nil
    let text = typed ?? view.drafts[kind]?.body ?? ""
    let name = ticket.requesterName.isEmpty ? ticket.requesterAddress : ticket.requesterName
    let isHere = notice.typed?.kind == kind
    let fault: HTML? =
        isHere
        ? notice.fault.map {
            "<p class=\"fault\" role=\"alert\" id=\"\(kind.rawValue)-fault\">\(t.fault($0.problem))</p>"
        } : nil
    let warned: HTML? =
        isHere && notice.isOutrun
        ? """
        <div class="outrun" role="alert"><strong>\(t("New activity since you started writing."))</strong> \
        \(t("Review it above, then send. What you wrote is still here."))\
        <input type="hidden" name="anyway" value="\(view.lastEntry)"></div>
        """ : nil
    let label = kind == .reply ? t("Reply to {0}", name) : t("Note for colleagues")
    let others = view.whole.collaborators.map(\.address)
    // To whom it goes says the empty field already, unless there are more.
    let to: HTML? =
        kind == .reply
        ? others.isEmpty
            ? nil : "<span class=\"small quiet cut\">\(t("To {0}", ([name] + others).joined(separator: ", ")))</span>"
        : "<span class=\"small quiet\">\(t("Only agents see notes."))</span>"
    let hint = kind == .reply ? t("Write to {0}.", name) : t("Write to your colleagues.")
    let kept: [HTML] = (view.drafts[kind]?.files ?? []).map {
        """
        <li><label><input type="checkbox" name="kept" value="\($0.id)" checked> \($0.file.name)</label> \
        <span class="quiet small">\(fileSize($0.file.size))</span></li>
        """
    }
    let files: HTML? =
        kept.isEmpty ? nil : "<ul class=\"files\" aria-label=\"\(t("Files that go along"))\">\(kept)</ul>"
    let canned: HTML?
    if kind == .reply, !view.choices.cannedReplies.isEmpty {
        let options: [HTML] = view.choices.cannedReplies.map { "<option value=\"\($0.id)\">\($0.name)</option>" }
        canned =
            """
            <label class="unseen" for="canned">\(t("Canned reply"))</label>\
            <select id="canned" class="small-select" \
            data-canned="\(href: partPath(ticket.number, "canned", at: nil))" hidden>\
            <option value="">\(t("Canned reply"))</option>\(options)</select>
            """
    } else {
        canned = nil
    }
    let send: HTML =
        kind == .note
        ? """
        <button class="button first" name="then" value="" data-send>\(t("Add note")) <kbd>Ctrl ↵</kbd></button>
        """
        : """
        \(TicketAction.resolve.isAllowed(in: ticket.state) ? "<button class=\"button\" name=\"then\" value=\"resolve\">\(t("Send and resolve"))</button>" : nil as HTML?)\
        \(TicketAction.wait.isAllowed(in: ticket.state) ? "<button class=\"button\" name=\"then\" value=\"wait\">\(t("Send and wait"))</button>" : nil as HTML?)\
        \(desk.position == nil ? nil : "<button class=\"button\" name=\"then\" value=\"next\">\(t("Send and next"))</button>" as HTML?)\
        <button class="button first" name="then" value="" data-send>\
        \(notice.isOutrun && isHere ? t("Send anyway") : t("Send")) <kbd>Ctrl ↵</kbd></button>
        """
    return """
        <form class="box \(kind.rawValue)" method="post" enctype="multipart/form-data" \
        action="\(href: partPath(ticket.number, "entries", at: desk.position))" \
        data-draft="\(href: partPath(ticket.number, "draft", at: desk.position))">\
        <input type="hidden" name="csrf" value="\(desk.csrf)">\
        <input type="hidden" name="kind" value="\(kind.rawValue)">\
        \(onceField())<input type="hidden" name="seen" value="\(view.lastEntry)">\(warned)\(fault)\
        <label class="unseen" for="\(kind.rawValue)-body">\(label)</label>\
        <textarea id="\(kind.rawValue)-body" name="body" placeholder="\(hint)">
        \(typed: text)</textarea>\
        \(canned == nil ? nil : "<p class=\"fault\" role=\"alert\" data-canned-fault hidden></p>" as HTML?)\
        <div class="row spread wrap">\(to)<span class="row wrap">\(canned)\
        <label class="button plain small" for="\(kind.rawValue)-files">\(t("Files"))</label>\
        <input class="unseen" type="file" multiple name="attachments" id="\(kind.rawValue)-files" \
        aria-label="\(t("Files"))">\(send)</span></div>\(files)<ul class="files" data-chosen></ul></form>
        """
}
