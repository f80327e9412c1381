#pragma once
#include "common/comm/transport.h"
#include "launch/commands.h"
#include "launch/session.h"

namespace larimar::launch {

/// `ask --keys FILE --out FILE`: read keys to codes.
/// Calls   collective. Throws AgreedError. Returns the exit code.
[[nodiscard]] int ask_keys(comm::Transport& transport, Session& session, const AskCommand& command);

}  // namespace larimar::launch
