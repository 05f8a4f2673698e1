using Spectre.Console;

namespace NativeRanger.Cli.Commands;

/// <summary>Where a command writes.</summary>
internal static class Terminal
{
    private const int PlainWidth = 120;

    /// <summary>A console with colours and live displays on a terminal; plain text, never wrapped early, on anything else.</summary>
    public static IAnsiConsole For(TextWriter output)
    {
        var live = ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected;
        var console = AnsiConsole.Create(
            new()
            {
                Out = new AnsiConsoleOutput(output),
                Interactive = live ? InteractionSupport.Detect : InteractionSupport.No,
                Ansi = live ? AnsiSupport.Detect : AnsiSupport.No,
                ColorSystem = live ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            }
        );
        if (!live)
        {
            console.Profile.Width = PlainWidth;
        }

        return console;
    }
}
