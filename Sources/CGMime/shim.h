#ifndef USHER_GMIME_SHIM_H
#define USHER_GMIME_SHIM_H
#include <gmime/gmime.h>

/* GObject's casts and type checks are macros, which Swift cannot see: one inline function for each that is used. */
static inline void usher_unref(void *object) { if (object) g_object_unref(object); }
static inline int usher_is_part(void *object) { return GMIME_IS_PART(object); }
static inline int usher_is_multipart(void *object) { return GMIME_IS_MULTIPART(object); }
static inline int usher_is_message_part(void *object) { return GMIME_IS_MESSAGE_PART(object); }
static inline int usher_is_mailbox(void *address) { return INTERNET_ADDRESS_IS_MAILBOX(address); }
static inline int usher_is_group(void *address) { return INTERNET_ADDRESS_IS_GROUP(address); }
static inline GMimePart *usher_part(void *object) { return (GMimePart *) object; }
static inline GMimeMultipart *usher_multipart(void *object) { return (GMimeMultipart *) object; }
static inline GMimeMessagePart *usher_message_part(void *object) { return (GMimeMessagePart *) object; }
static inline GMimeObject *usher_object(void *object) { return (GMimeObject *) object; }
static inline GMimeStream *usher_stream(void *object) { return (GMimeStream *) object; }
static inline InternetAddressMailbox *usher_mailbox(void *address) { return (InternetAddressMailbox *) address; }
static inline InternetAddressGroup *usher_group(void *address) { return (InternetAddressGroup *) address; }
static inline GByteArray *usher_stream_bytes(void *stream) { return g_mime_stream_mem_get_byte_array((GMimeStreamMem *) stream); }
#endif
