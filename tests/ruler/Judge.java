import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import software.amazon.event.ruler.Machine;

/** Answers a line "pattern TAB event" with 1 when a rule of that pattern takes the event, 0 when it does not, and E when there can be no such rule. */
public final class Judge {
    private Judge() { }

    public static void main(final String[] arguments) throws IOException {
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream answers = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = questions.readLine(); line != null; line = questions.readLine()) {
            String[] pair = line.split("\t");
            answers.println(judged(pair[0], pair[1]));
        }
        answers.flush();
    }

    private static String judged(final String pattern, final String event) {
        Machine machine = Machine.builder().build();
        try {
            machine.addRule("rule", pattern);
        } catch (IOException | IllegalArgumentException refused) {
            return "E " + String.valueOf(refused.getMessage()).lines().findFirst().orElse("");
        }
        try {
            return machine.rulesForJSONEvent(event).isEmpty() ? "0" : "1";
        } catch (Exception broken) {
            return "X " + broken;
        }
    }
}
