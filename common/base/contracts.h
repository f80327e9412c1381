#pragma once
// Contracts between our own functions. A broken one is a bug of the caller inside the program, never bad input:
// input is checked by code that is always on and throws a base::Error.
#ifdef LARIMAR_CONTRACTS
#include <cstdio>
#include <cstdlib>
#define LARIMAR_CONTRACT_(kind, condition) \
  (static_cast<bool>(condition)            \
       ? void(0)                           \
       : (std::fprintf(stderr, "%s:%d: %s failed: %s\n", __FILE__, __LINE__, kind, #condition), std::abort()))
#else
#define LARIMAR_CONTRACT_(kind, condition) static_cast<void>(sizeof(static_cast<bool>(condition)))
#endif
#define LARIMAR_EXPECT(condition) LARIMAR_CONTRACT_("precondition", condition)
#define LARIMAR_ASSERT(condition) LARIMAR_CONTRACT_("assertion", condition)
#define LARIMAR_ENSURE(condition) LARIMAR_CONTRACT_("postcondition", condition)
