#ifndef USHER_RESOLVER_SHIM_H
#define USHER_RESOLVER_SHIM_H
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

/* The TXT records of a name, each ended by a line feed; the length, 0 where there are none, -1 where nobody could be asked. The parsers are macros in part. */
static inline int usher_txt(const char *name, char *text, int room) {
    unsigned char answer[16384];
    int length = res_query(name, C_IN, T_TXT, answer, sizeof answer);
    if (length < 0) return h_errno == HOST_NOT_FOUND || h_errno == NO_DATA ? 0 : -1;
    ns_msg message;
    if (ns_initparse(answer, length, &message) < 0) return -1;
    int used = 0;
    for (int index = 0; index < ns_msg_count(message, ns_s_an); index++) {
        ns_rr record;
        if (ns_parserr(&message, ns_s_an, index, &record) < 0 || ns_rr_type(record) != ns_t_txt) continue;
        const unsigned char *data = ns_rr_rdata(record);
        int left = ns_rr_rdlen(record);
        while (left > 0) {
            int piece = data[0];
            if (piece + 1 > left || used + piece + 1 >= room) return used;
            memcpy(text + used, data + 1, piece);
            used += piece;
            data += piece + 1;
            left -= piece + 1;
        }
        text[used++] = '\n';
    }
    return used;
}
#endif
