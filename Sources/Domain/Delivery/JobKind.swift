/// Something to be done to a ticket at a moment: a row with `due_at`, looked for every second.
package enum JobKind: String, Sendable, CaseIterable {
    /// Close what stayed resolved without a word.
    case closeSilent = "close_silent"
    case sendSurvey = "send_survey"
    /// Tell the customer of an escalated ticket that it is being worked.
    case updateCustomer = "update_customer"
    /// Tell those it is for that a request has come in.
    case tellDepartment = "tell_department"
}
