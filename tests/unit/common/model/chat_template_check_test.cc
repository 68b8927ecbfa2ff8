#include "common/model/chat_template_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace windrose {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ChatTemplateCheck, OursMakesMixtralPrompts) {
  EXPECT_TRUE(MakesMixtralPrompts(kOwnChatTemplate));
}

TEST(ChatTemplateCheck, KnowsTheTemplatesOfMixtralInstruct) {
  for (const char* text : {
           // The first: user and assistant only, a space behind each answer or none.
           "{{ bos_token }}{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 "
           "== 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{% if m['role'] == "
           "'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}{% else %}{{ m['content'] + "
           "eos_token + ' ' }}{% endif %}{% endfor %}",
           // With a system message.
           "{%- if messages[0].role == 'system' %}{%- set system_message = messages[0].content %}"
           "{%- endif %}{{- bos_token }}{%- for m in loop_messages %}{%- if m.role == 'user' %}"
           "{{- ' [INST] ' + system_message + '\\n\\n' + m.content + ' [/INST]' }}{%- else %}"
           "{{- ' ' + m.content + eos_token }}{%- endif %}{%- endfor %}",
           // With tools, whose marks a chat without tools does not get.
           "{{- bos_token }}{%- for m in messages %}{%- if tools is not none %}"
           "{{- \"[AVAILABLE_TOOLS] [\" }}{%- endif %}{{- \"[INST] \" + m[\"content\"] + "
           "\" [/INST]\" }}{{- \"[TOOL_CALLS] [\" }}{%- endfor %}",
           // Marks as text and not as strings.
           "<s>{% for m in messages %}[INST] {{ m.content }} [/INST]{% endfor %}",
       }) {
    EXPECT_TRUE(MakesMixtralPrompts(text)) << text;
  }
}

TEST(ChatTemplateCheck, KnowsOtherKinds) {
  for (const char* text :
       {// ChatML
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>' }}"
        "{% endfor %}{{ '<|im_start|>assistant\\n' }}",
        // Alpaca
        "{% for m in messages %}### Instruction:\n{{ m.content }}\n\n### Response:\n{% endfor %}",
        // Alpaca inside of Mixtral's marks
        "{{ '[INST] ### Instruction:\\n' + messages[0].content + ' [/INST]' }}",
        // Llama 3
        "{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' + m.content + "
        "'<|eot_id|>' }}",
        // Llama 2
        "{{ bos_token + '[INST] <<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' + m.content + "
        "' [/INST]' }}",
        // Zephyr
        "{{ '<|user|>\\n' + m.content + eos_token }}{{ '<|assistant|>' }}",
        // Vicuna
        "{{ 'USER: ' + m.content + ' ASSISTANT: ' }}",
        // Gemma
        "{{ '<start_of_turn>user\\n' + m.content + '<end_of_turn>\\n' }}",
        // Mistral's third and seventh tokenizers
        "{{ '[INST] ' + m.content + '[/INST]' }}",
        "{{ '[SYSTEM_PROMPT] ' + system + '[/SYSTEM_PROMPT][INST] ' + m.content + ' [/INST]' }}",
        // Not a template at all
        "text", ""}) {
    EXPECT_FALSE(MakesMixtralPrompts(text)) << text;
  }
}

TEST(ChatTemplateCheck, SaysNothingOfAModelWithoutATemplate) {
  EXPECT_THAT(ChatTemplateWarning(NotFound("none")), IsEmpty());
}

TEST(ChatTemplateCheck, SaysNothingOfAMixtralsTemplate) {
  EXPECT_THAT(ChatTemplateWarning(ChatTemplateFile{"a", std::string(kOwnChatTemplate)}), IsEmpty());
}

// As sha256sum has them.
TEST(ChatTemplateCheck, WarnsOfAnotherKindWithBothHashes) {
  EXPECT_THAT(ChatTemplateWarning(ChatTemplateFile{"tokenizer_config.json", "abc"}),
              AllOf(HasSubstr("tokenizer_config.json: "),
                    HasSubstr("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
                    HasSubstr("5ded1cc8ea9ea58fa8d83c69ab658a7f92a244d6a7dfda7a846049c8ac1eceee"),
                    HasSubstr("ignored"), HasSubstr("/v1/completions")));
}

TEST(ChatTemplateCheck, WarnsOfWhatCannotBeRead) {
  EXPECT_THAT(ChatTemplateWarning(InvalidArgument("tokenizer_config.json: bad JSON")),
              AllOf(HasSubstr("cannot be told (tokenizer_config.json: bad JSON)"),
                    HasSubstr("5ded1cc8ea9ea58fa8d83c69ab658a7f92a244d6a7dfda7a846049c8ac1eceee")));
}

}  // namespace
}  // namespace windrose
