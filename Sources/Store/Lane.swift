/// How long work may take, by who waits for it.
package enum Lane: Sendable {
    /// Somebody sits before a page: seconds.
    case page
    /// A command or a migration that an operator waits for: as long as it takes.
    case long

    /// What the work of a task is; nil leaves it to the database's own lane.
    @TaskLocal package static var current: Lane?
}
