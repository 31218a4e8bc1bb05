import Domain

/// The signed token of `/survey/TOKEN`.
package struct SurveyToken: Sendable, Equatable {
    package let survey: Survey.ID
    package init(survey: Survey.ID) { self.survey = survey }
    package func text(_ signer: Signer) -> String {
        let body = String(survey.number, radix: 36)
        return "\(body)-\(signer.mark(body, for: .survey))"
    }
    package init?(_ text: String, signer: Signer) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let id = Int64(parts[0], radix: 36),
            signer.isGenuine(String(parts[1]), of: String(parts[0]), for: .survey)
        else { return nil }
        survey = Survey.ID(id)
    }
}
