using System.Globalization;
using System.Text;

namespace NativeRanger.Checkpoints;

/// <summary>
/// How tensors are named: a parameter by its own name, its state by <c>name/first_moment</c> and so on. In names of
/// parameters '%' is written %25 and '/' %2F, so that no parameter can be taken for the state of another.
/// </summary>
internal static class TensorNames
{
    /// <summary>The key of a parameter's own values among its arrays.</summary>
    public const string Values = "values";

    private const string Reserved = "%/";

    public static string Escape(string parameter)
    {
        if (string.Equals(parameter, Safetensors.MetadataKey, StringComparison.Ordinal))
        {
            return "%5F" + parameter[1..];
        }

        var escaped = new StringBuilder(parameter.Length);
        for (var i = 0; i < parameter.Length; i++)
        {
            var c = parameter[i];
            if (Reserved.Contains(c, StringComparison.Ordinal))
            {
                escaped.Append(CultureInfo.InvariantCulture, $"%{(int)c:X2}");
            }
            else if (char.IsSurrogate(c) && !char.IsSurrogatePair(parameter, i))
            {
                // Half a pair has no UTF-8.
                escaped.Append(CultureInfo.InvariantCulture, $"%u{(int)c:X4}");
            }
            else
            {
                escaped.Append(c);
                if (char.IsHighSurrogate(c))
                {
                    escaped.Append(parameter[++i]);
                }
            }
        }

        return escaped.ToString();
    }

    /// <summary>The name of a parameter's tensor.</summary>
    /// <param name="escaped">The escaped name of the parameter.</param>
    /// <param name="array"><see cref="Values"/>, or one of <see cref="StateNames"/>.</param>
    public static string Of(string escaped, string array) =>
        string.Equals(array, Values, StringComparison.Ordinal) ? escaped : $"{escaped}/{array}";
}
