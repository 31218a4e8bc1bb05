import Foundation

/// An object behind a lock that threads may wait on.
final class Guarded<State: AnyObject>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let conditions: [UnsafeMutablePointer<pthread_cond_t>]
    private let state: State

    init(_ state: State, conditions count: Int) {
        self.state = state
        pthread_mutex_init(mutex, nil)
        conditions = (0..<count).map { _ in
            let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
            pthread_cond_init(condition, nil)
            return condition
        }
    }
    deinit {
        for condition in conditions {
            pthread_cond_destroy(condition)
            condition.deallocate()
        }
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func with<T>(_ body: (State) -> T) -> T {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(state)
    }
    func signal(_ condition: Int) { pthread_cond_signal(conditions[condition]) }
    func broadcast() { for condition in conditions { pthread_cond_broadcast(condition) } }
    /// Lets others in meanwhile. To be called inside `with` only.
    func wait(_ condition: Int, seconds: Int) {
        var until = timespec()
        clock_gettime(CLOCK_REALTIME, &until)
        until.tv_sec += seconds
        pthread_cond_timedwait(conditions[condition], mutex, &until)
    }
}
