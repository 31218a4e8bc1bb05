#ifndef USHER_UCHARDET_SHIM_H
#define USHER_UCHARDET_SHIM_H
#include <uchardet/uchardet.h>
#endif
