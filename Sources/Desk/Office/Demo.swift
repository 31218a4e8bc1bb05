package enum Demo {
    package static func fill(_ desk: Desk, _ say: (String) -> Void) async throws {}
}
