#pragma once
// What a language model on the decoder ranks adds to a read: the order of its texts, and answers in words.
#include <span>
#include <string>
#include <vector>

#include "common/comm/transport.h"
#include "common/wire/plan.h"
#include "decoder/code_answers.h"
#include "decoder/language_service.h"

namespace larimar::launch {

/// What answers on this rank if it decodes, else null.
struct LanguageRanks {
  comm::Transport& transport;
  const wire::RolePlan& plan;
  decoder::LanguageService* service = nullptr;  // from texts
  decoder::CodeAnswers* codes = nullptr;        // from codes
};

/// Likelihoods of each question's texts, questions shared out evenly over the decoder ranks.
/// Shapes  passages [count] on rank 0, not looked at elsewhere; returns [count] of [texts] on rank 0, empty elsewhere.
/// Calls   collective in form: point to point between rank 0 and the decoder ranks.
[[nodiscard]] std::vector<std::vector<double>> exchange_likelihoods(const LanguageRanks& ranks,
                                                                    std::span<const decoder::Passages> passages,
                                                                    std::size_t count);

/// Answers in words, shared out in the same way: [count] on rank 0. By ranks.codes where passages hold codes.
[[nodiscard]] std::vector<std::string> exchange_answers(const LanguageRanks& ranks,
                                                        std::span<const decoder::Passages> passages, std::size_t count);

}  // namespace larimar::launch
