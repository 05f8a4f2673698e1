using System.Numerics;

namespace NativeRanger.Cli.Verification;

/// <summary>
/// An arithmetic expression: <c>+ - * / ^ mod</c>, parentheses, numbers and variables; two factors side by side are
/// multiplied.
/// </summary>
internal abstract class Expression<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>The expression, or null where the text is none.</summary>
    public static Expression<T>? Parse(string text)
    {
        var parser = new Parser(text);
        return parser.Whole();
    }

    public abstract T Evaluate(IReadOnlyDictionary<string, T> variables);

    private sealed class Constant(T value) : Expression<T>
    {
        public override T Evaluate(IReadOnlyDictionary<string, T> variables) => value;
    }

    private sealed class Variable(string name) : Expression<T>
    {
        public override T Evaluate(IReadOnlyDictionary<string, T> variables) =>
            variables.TryGetValue(name, out var value)
                ? value
                : throw new UnsupportedTraceException($"the definition uses '{name}' without saying what it is");
    }

    private sealed class Negation(Expression<T> operand) : Expression<T>
    {
        public override T Evaluate(IReadOnlyDictionary<string, T> variables) => -operand.Evaluate(variables);
    }

    private sealed class Binary(Expression<T> left, Expression<T> right, Func<T, T, T> operation) : Expression<T>
    {
        public override T Evaluate(IReadOnlyDictionary<string, T> variables) =>
            operation(left.Evaluate(variables), right.Evaluate(variables));
    }

    /// <summary>Recursive descent: sum, product, sign, power, atom.</summary>
    private sealed class Parser(string text)
    {
        private int position;

        public Expression<T>? Whole()
        {
            var value = Sum();
            SkipSpaces();
            return position == text.Length ? value : null;
        }

        private Expression<T>? Sum()
        {
            var left = Product();
            while (left is not null)
            {
                if (Take('+'))
                {
                    left = Join(left, Product(), static (a, b) => a + b);
                }
                else if (Take('-'))
                {
                    left = Join(left, Product(), static (a, b) => a - b);
                }
                else
                {
                    break;
                }
            }

            return left;
        }

        private Expression<T>? Product()
        {
            var left = Signed();
            while (left is not null)
            {
                if (Take('*'))
                {
                    left = Join(left, Signed(), static (a, b) => a * b);
                }
                else if (Take('/'))
                {
                    left = Join(left, Signed(), static (a, b) => a / b);
                }
                else if (TakeWord("mod"))
                {
                    left = Join(left, Signed(), static (a, b) => a - (b * T.Floor(a / b)));
                }
                else if (IsAtomNext())
                {
                    left = Join(left, Power(), static (a, b) => a * b);
                }
                else
                {
                    break;
                }
            }

            return left;
        }

        private bool IsAtomNext() =>
            position < text.Length && (char.IsAsciiLetterOrDigit(text[position]) || text[position] is '(' or '_');

        private Expression<T>? Signed() =>
            Take('-')
                ? Signed() is { } operand
                    ? new Negation(operand)
                    : null
                : Power();

        private Expression<T>? Power()
        {
            var left = Atom();
            return left is not null && Take('^') ? Join(left, Signed(), Raise) : left;
        }

        private Expression<T>? Atom()
        {
            if (Take('('))
            {
                var inner = Sum();
                return Take(')') ? inner : null;
            }

            var start = position;
            if (start < text.Length && char.IsAsciiDigit(text[start]))
            {
                while (position < text.Length && (char.IsAsciiDigit(text[position]) || text[position] == '.'))
                {
                    position++;
                }

                var digits = text.AsSpan(start, position - start);
                SkipSpaces();
                return T.TryParse(digits, null, out var number) ? new Constant(number) : null;
            }

            while (position < text.Length && (char.IsAsciiLetterOrDigit(text[position]) || text[position] == '_'))
            {
                position++;
            }

            var name = text[start..position];
            SkipSpaces();
            return name.Length > 0 ? new Variable(name) : null;
        }

        private static Binary? Join(Expression<T> left, Expression<T>? right, Func<T, T, T> operation) =>
            right is null ? null : new Binary(left, right, operation);

        /// <summary>Small whole powers, by repeated multiplication.</summary>
        private static T Raise(T value, T exponent)
        {
            const int Largest = 64;
            var power = int.CreateSaturating(exponent);
            if (power is < 0 or > Largest || T.CreateChecked(power) != exponent)
            {
                throw new UnsupportedTraceException($"the definition raises to the power {exponent}");
            }

            var result = T.One;
            for (var i = 0; i < power; i++)
            {
                result *= value;
            }

            return result;
        }

        private bool Take(char symbol)
        {
            SkipSpaces();
            if (position >= text.Length || text[position] != symbol)
            {
                return false;
            }

            position++;
            SkipSpaces();
            return true;
        }

        private bool TakeWord(string word)
        {
            SkipSpaces();
            if (string.CompareOrdinal(text, position, word, 0, word.Length) != 0)
            {
                return false;
            }

            var end = position + word.Length;
            if (end < text.Length && char.IsAsciiLetterOrDigit(text[end]))
            {
                return false;
            }

            position = end;
            SkipSpaces();
            return true;
        }

        private void SkipSpaces()
        {
            while (position < text.Length && text[position] == ' ')
            {
                position++;
            }
        }
    }
}
