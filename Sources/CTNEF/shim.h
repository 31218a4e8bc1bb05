#ifndef USHER_TNEF_SHIM_H
#define USHER_TNEF_SHIM_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ytnef.h>

typedef void (*usher_tnef_file)(void *context, const char *name, long length, const unsigned char *bytes, long size);

/* Hands over each file of a winmail.dat and its plain text under the name NULL; the property macros are C's alone. */
static inline int usher_tnef_each(const unsigned char *bytes, long size, void *context, usher_tnef_file each) {
    unsigned char *copy = malloc(size > 0 ? size : 1);
    if (!copy) return -1;
    memcpy(copy, bytes, size);
    TNEFStruct tnef;
    TNEFInitialize(&tnef);
    tnef.Debug = 0;
    /* The library prints what it finds wrong; standard output is for the program's own answer. */
    fflush(stdout);
    int own = dup(STDOUT_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    int code = TNEFParseMemory(copy, size, &tnef);
    fflush(stdout);
    if (own >= 0) {
        dup2(own, STDOUT_FILENO);
        close(own);
    }
    if (tnef.body.data && tnef.body.size > 0) each(context, NULL, 0, tnef.body.data, tnef.body.size);
    for (Attachment *file = tnef.starting_attach.next; file; file = file->next) {
        if (!file->FileData.data || file->FileData.size <= 0) continue;
        variableLength *name = MAPIFindProperty(&file->MAPI, PROP_TAG(30, 0x3707));
        if (name == MAPI_UNDEFINED) name = MAPIFindProperty(&file->MAPI, PROP_TAG(31, 0x3707));
        if (name == MAPI_UNDEFINED) name = MAPIFindProperty(&file->MAPI, PROP_TAG(30, 0x3704));
        if (name == MAPI_UNDEFINED || !name || !name->data) name = &file->Title;
        each(context, name->data ? (const char *)name->data : "", name->data ? name->size : 0, file->FileData.data, file->FileData.size);
    }
    TNEFFree(&tnef);
    free(copy);
    return code;
}
#endif
